//! The tree as it is laid out: docks and splits are put into the one that was set.

use std::rc::Rc;

use super::{Layout, LayoutNode};
use crate::Window;
use crate::window::{DockSide, Length, Placement, Split};

impl Layout<'_> {
    /// Answers the tree in force with the windows of docks, and those that split others, in it.
    ///
    /// Edges that the tree has no place for stand at the top and the bottom. Where no tree was set, the windows that would
    /// stand in it stand one below the other.
    pub fn effective(self) -> LayoutNode {
        let base = self.get();
        let mut work = Expansion { windows: self.0.win().by_age(), docks: Vec::new(), splitting: Vec::new() };
        let node = if *base == LayoutNode::default() { work.implied() } else { work.expand(&base) };
        work.with_missing_docks(node)
    }

    /// Answers a window that floats with those that split it.
    pub(super) fn effective_float(self, name: &str) -> LayoutNode {
        let mut work = Expansion { windows: self.0.win().by_age(), docks: Vec::new(), splitting: Vec::new() };
        work.expand(&LayoutNode::win(name))
    }
}

struct Expansion {
    windows: Vec<Rc<Window>>,
    /// Edges that have a place.
    docks: Vec<DockSide>,
    /// Windows whose splits are being put in: a circle of splits must end.
    splitting: Vec<String>,
}

impl Expansion {
    fn implied(&mut self) -> LayoutNode {
        let names: Vec<String> = self
            .windows
            .iter()
            .filter(|window| window.placement == Placement::Tree)
            .map(|window| window.name.clone())
            .collect();
        LayoutNode::col(names.into_iter().map(|name| self.expand(&LayoutNode::win(name).grow(1))).collect())
    }

    fn expand(&mut self, node: &LayoutNode) -> LayoutNode {
        if let Some(side) = node.dock {
            self.docks.push(side);
            return LayoutNode { dock: None, children: self.dock(side), ..node.clone() };
        }
        let Some(name) = &node.win else {
            let children = node.children.iter().map(|child| self.expand(child)).collect();
            return LayoutNode { children, ..node.clone() };
        };
        self.split(name, node)
    }

    fn dock(&mut self, side: DockSide) -> Vec<LayoutNode> {
        let mut docked: Vec<_> = self
            .windows
            .iter()
            .filter_map(|window| match &window.placement {
                Placement::Dock(dock) if dock.side == side && window.visible => {
                    Some((*dock, window.name.clone()))
                }
                _ => None,
            })
            .collect();
        // The newest of those that want the edge for themselves has it.
        if let Some(only) = docked.iter().rposition(|(dock, _)| dock.exclusive) {
            docked = vec![docked.swap_remove(only)];
        }
        docked.sort_by_key(|(dock, _)| dock.priority);
        docked
            .into_iter()
            .map(|(dock, name)| {
                let leaf = LayoutNode { size: dock.size, max: dock.max, ..LayoutNode::win(name) };
                self.expand(&leaf)
            })
            .collect()
    }

    /// Puts the windows beside a window that split it; the one that split it last is the nearest.
    fn split(&mut self, name: &str, node: &LayoutNode) -> LayoutNode {
        let splits: Vec<(String, Split)> = self
            .windows
            .iter()
            .filter_map(|window| match &window.placement {
                Placement::Split(split) if split.of == *name && window.visible => {
                    Some((window.name.clone(), split.clone()))
                }
                _ => None,
            })
            .collect();
        if splits.is_empty() || self.splitting.iter().any(|other| other == name) {
            return node.clone();
        }
        self.splitting.push(name.to_owned());
        let mut inside = LayoutNode::win(name).grow(1);
        for (other, split) in splits.into_iter().rev() {
            let part = LayoutNode::win(other);
            let part = match split.size {
                None | Some(Length::Content) => part.grow(1),
                Some(Length::Cells(cells)) => part.size(cells),
                Some(Length::Percent(share)) => LayoutNode { percent: Some(share), ..part },
            };
            let part = self.expand(&part);
            let children = if split.side.is_first() { vec![part, inside] } else { vec![inside, part] };
            inside = LayoutNode { dir: split.side.dir(), children, grow: 1, ..LayoutNode::default() };
        }
        self.splitting.pop();
        LayoutNode { dir: inside.dir, children: inside.children, win: None, ..node.clone() }
    }

    fn with_missing_docks(&mut self, node: LayoutNode) -> LayoutNode {
        let mut around = Vec::new();
        for side in DockSide::ALL {
            if side == DockSide::Below {
                around.push(None);
            }
            if !self.docks.contains(&side) {
                around.extend(self.dock(side).into_iter().map(Some));
            }
        }
        if around.len() == 1 {
            return node;
        }
        let mut node = Some(LayoutNode { grow: node.grow.max(1), ..node });
        LayoutNode::col(around.into_iter().filter_map(|part| part.or_else(|| node.take())).collect())
    }
}
