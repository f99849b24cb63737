//! Computes rectangles from the tree.

use super::{Dir, Layout, LayoutNode, Rect};
use crate::Window;
use crate::window::{Length, Placement};

impl Layout<'_> {
    /// Answers each window's rectangle on a screen of this size, in the tree's order; hidden windows take no room.
    pub(crate) fn solve(self, width: u16, height: u16) -> Vec<(String, Rect)> {
        let screen = Rect::new(0, 0, width, height);
        let mut rects = Vec::new();
        self.place(&self.effective(), screen, &mut rects);
        for window in self.0.win().by_age().iter().filter(|window| window.visible) {
            if let Some(rect) = self.float(window, screen, &rects) {
                self.place(&self.effective_float(&window.name), rect, &mut rects);
            }
        }
        for (name, rect) in &mut rects {
            if let Some(fixed) = self.fixed(name) {
                *rect = fixed.over(*rect);
            }
            if !rect.is_empty() {
                *rect = rect.intersect(&screen);
            }
        }
        rects
    }

    /// Answers the rectangle of a window that floats.
    fn float(self, window: &Window, screen: Rect, rects: &[(String, Rect)]) -> Option<Rect> {
        let anchored = match &window.placement {
            Placement::Float(rect) => return Some(*rect),
            Placement::Anchored(anchored) => anchored,
            _ => return None,
        };
        let of = anchored.of.as_ref();
        let area = of.and_then(|of| rects.iter().find(|(name, _)| name == of).map(|(_, rect)| *rect));
        let area = area.unwrap_or(screen);
        let (columns, rows) = window.edge();
        let width = anchored
            .width
            .cells(screen.width, || self.0.content_width(window).saturating_add(columns).max(columns + 1));
        let height = anchored
            .height
            .cells(screen.height, || self.0.measure_window(&window.name, width).unwrap_or(1).max(rows + 1));
        let (x, y) = anchored.anchor.place(area, (width, height), (anchored.row, anchored.col));
        // A window that would begin outside is moved in as far as it fits; the rest is cut off.
        let x = x.clamp(0, i32::from(screen.width.saturating_sub(width))) as u16;
        let y = y.clamp(0, i32::from(screen.height.saturating_sub(height))) as u16;
        Some(Rect::new(x, y, width, height))
    }

    fn place(self, node: &LayoutNode, rect: Rect, rects: &mut Vec<(String, Rect)>) {
        if let Some(name) = &node.win {
            rects.push((name.clone(), rect));
            return;
        }
        let room = match node.dir {
            Dir::Row => rect.width,
            Dir::Col => rect.height,
        };
        let shown: Vec<&LayoutNode> = node.children.iter().filter(|child| self.is_shown(child)).collect();
        let items: Vec<Item> = shown.iter().map(|child| self.item(child, node.dir, rect)).collect();
        let mut at = 0;
        for (child, length) in shown.into_iter().zip(share(&items, room)) {
            let part = match node.dir {
                Dir::Row => Rect::new(rect.x + at, rect.y, length, rect.height),
                Dir::Col => Rect::new(rect.x, rect.y + at, rect.width, length),
            };
            self.place(child, part, rects);
            at += length;
        }
    }

    fn is_shown(self, node: &LayoutNode) -> bool {
        match &node.win {
            Some(name) => self.0.win().get(name).is_some_and(|window| window.visible),
            None => node.children.is_empty() || node.children.iter().any(|child| self.is_shown(child)),
        }
    }

    fn item(self, node: &LayoutNode, dir: Dir, rect: Rect) -> Item {
        let room = if dir == Dir::Row { rect.width } else { rect.height };
        let share = node.percent.map(|share| Length::Percent(share).cells(room, || 0));
        let wanted = match (node.size.or(share), node.grow) {
            (Some(size), _) => size,
            (None, 0) => self.measure(node, dir, rect),
            _ => node.min,
        };
        let max = node.max.unwrap_or(u16::MAX).max(node.min);
        Item { wanted: wanted.clamp(node.min, max), min: node.min, max, grow: node.grow }
    }

    /// Answers how long a node without a size would like to be.
    fn measure(self, node: &LayoutNode, dir: Dir, rect: Rect) -> u16 {
        let Some(name) = &node.win else {
            let lengths = node.children.iter().filter(|child| self.is_shown(child)).map(|child| {
                child.size.unwrap_or_else(|| {
                    if child.grow > 0 { child.min } else { self.measure(child, dir, rect) }
                })
            });
            // Along the parent's direction children add up; across it the longest decides.
            return if node.dir == dir {
                lengths.fold(0, u16::saturating_add)
            } else {
                lengths.max().unwrap_or(0)
            };
        };
        if dir == Dir::Row {
            return node.min.max(1);
        }
        self.0.measure_window(name, rect.width).unwrap_or(node.min.max(1))
    }
}

struct Item {
    wanted: u16,
    min: u16,
    max: u16,
    grow: u16,
}

/// Divides `room` among the items: their wishes first, what is left by their shares; when there is too little, what
/// exceeds the minima goes first, from the end, then the minima themselves.
fn share(items: &[Item], room: u16) -> Vec<u16> {
    let mut lengths: Vec<u16> = items.iter().map(|item| item.wanted).collect();
    let wanted: u32 = lengths.iter().map(|length| u32::from(*length)).sum();
    let room = u32::from(room);
    if wanted <= room {
        spread(items, &mut lengths, room - wanted);
    } else {
        let mut lacking = wanted - room;
        for least in [|item: &Item| item.min, |_: &Item| 0] {
            // Items that grow give way first: they are the ones that can be scrolled.
            for growing in [true, false] {
                for (item, length) in items.iter().zip(&mut lengths).rev() {
                    if (item.grow > 0) == growing && lacking > 0 {
                        let give = u32::from(length.saturating_sub(least(item))).min(lacking);
                        *length -= give as u16;
                        lacking -= give;
                    }
                }
            }
        }
    }
    lengths
}

fn spread(items: &[Item], lengths: &mut [u16], mut left: u32) {
    loop {
        let open: Vec<usize> =
            (0..items.len()).filter(|i| items[*i].grow > 0 && lengths[*i] < items[*i].max).collect();
        let shares: u32 = open.iter().map(|i| u32::from(items[*i].grow)).sum();
        if left == 0 || shares == 0 {
            return;
        }
        let pot = left;
        for i in &open {
            let part = (pot * u32::from(items[*i].grow) / shares).max(1).min(left);
            let part = part.min(u32::from(items[*i].max - lengths[*i]));
            lengths[*i] += part as u16;
            left -= part;
        }
    }
}
