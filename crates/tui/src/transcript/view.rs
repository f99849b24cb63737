//! One window on the transcript: how far it is scrolled, what it has laid out, and what stands in which of its rows.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use purlin_kernel::{
    RenderContext,
    text::{Line, Span, Style, Token, line_width, wrap_line},
    window::Scroll,
};

use super::{
    FAR, Shared, Spot,
    cache::Cache,
    reading::{Place, Reading},
};

/// One window on the transcript.
pub(crate) struct View {
    pub(super) cache: RefCell<Cache>,
    /// The first shown row; absent while the window follows the end.
    pub(super) top: Cell<Option<Place>>,
    seen: Cell<Scroll>,
    /// Columns of the window when it was drawn last.
    pub(super) width: Cell<usize>,
    /// What the cached lines were made for: handlers and theme.
    made_for: Cell<(u64, u64)>,
    /// The blocks and their revision when the person scrolled away from the end.
    left_at: Cell<(usize, u64)>,
    /// Block and line in each row, as drawn last; absent for an empty row.
    drawn: RefCell<Vec<Option<(usize, usize)>>>,
    gutter: Cell<usize>,
}

impl Default for View {
    fn default() -> Self {
        View {
            cache: RefCell::default(),
            top: Cell::new(None),
            seen: Cell::new(Scroll { offset: 0, follow: true }),
            width: Cell::new(0),
            made_for: Cell::new((0, 0)),
            left_at: Cell::new((0, 0)),
            drawn: RefCell::default(),
            gutter: Cell::new(0),
        }
    }
}

impl View {
    /// Answers what stands at a row and column of the window; in an empty row, the end of the line above.
    pub(super) fn spot(&self, row: usize, col: usize) -> Option<Spot> {
        let drawn = self.drawn.borrow();
        let row = row.min(drawn.len().checked_sub(1)?);
        if let Some((block, line)) = drawn[row] {
            return Some(Spot { block, line, col: col.saturating_sub(self.gutter.get()) });
        }
        let above = drawn[..row].iter().rev().find_map(|place| *place);
        above.map(|(block, line)| Spot { block, line, col: usize::MAX >> 1 }).or_else(|| {
            drawn.iter().find_map(|place| *place).map(|(block, line)| Spot { block, line, col: 0 })
        })
    }

    /// Answers the lowest block in sight.
    pub(super) fn lowest(&self) -> Option<usize> {
        self.drawn.borrow().iter().rev().find_map(|place| place.map(|(block, _)| block))
    }

    /// Tells whether a line is in sight.
    pub(super) fn is_shown(&self, spot: Spot, height: usize) -> bool {
        let drawn = self.drawn.borrow();
        let row = drawn.iter().position(|place| *place == Some((spot.block, spot.line)));
        row.is_some_and(|row| row < height)
    }

    /// Scrolls to a line, so that it has a third of the window above it.
    pub(super) fn go(&self, reading: &Reading<'_>, spot: Spot, height: usize) {
        let place = Place { block: spot.block, row: reading.gap(spot.block) + spot.line };
        let wanted = reading.up(place, height / 3);
        if self.top.get().is_none() {
            self.left_at.set((reading.count, reading.revision()));
        }
        let last = reading.up(reading.end(), height);
        self.top.set((wanted < last).then_some(wanted));
    }

    /// Follows what the person or an extension did to the window's scroll state since the last frame.
    fn follow_scroll(&self, reading: &Reading<'_>, scroll: Scroll, height: usize) {
        let seen = self.seen.replace(scroll);
        if scroll == seen {
            return;
        }
        if scroll.offset == 0 {
            self.top.set(None);
            return;
        }
        let from = self.top.get().unwrap_or_else(|| reading.up(reading.end(), height));
        let to = if scroll.offset >= seen.offset {
            let rows = scroll.offset - seen.offset;
            if rows >= FAR { Place { block: 0, row: 0 } } else { reading.up(from, rows) }
        } else {
            reading.down(from, seen.offset - scroll.offset)
        };
        if self.top.get().is_none() {
            self.left_at.set((reading.count, reading.revision()));
        }
        let last = reading.up(reading.end(), height);
        self.top.set((to < last).then_some(to));
    }

    /// Keeps the anchor where it is when the width has changed: at the same part of the same block.
    fn follow_width(&self, reading: &Reading<'_>, (width, height): (usize, usize), shared: &Shared) {
        let before = self.width.replace(width);
        if before == width || before == 0 {
            return;
        }
        // What was selected were cells of lines that are laid out anew.
        shared.selection.replace(None);
        let Some(top) = self.top.get() else { return };
        // What was searched for and found is what is looked at.
        if let Some(hit) = shared.search.borrow().as_ref().and_then(|search| search.spot(reading)) {
            self.go(reading, hit, height);
            return;
        }
        // Rows are as many times fewer as the width is greater; a block's text does not change with it.
        let rows = reading.rows(top.block);
        let row = (top.row * before / width.max(1)).min(rows.saturating_sub(1));
        self.top.set(Some(Place { row, ..top }));
    }

    fn draw(&self, cx: &mut RenderContext<'_>, reading: &Reading<'_>, height: usize) -> bool {
        let begin = self.top.get().unwrap_or_else(|| reading.up(reading.end(), height));
        let mut drawn = self.drawn.borrow_mut();
        drawn.clear();
        let mut place = begin;
        let left = reading.gutter as i32;
        while drawn.len() < height && place.block < reading.count {
            let gap = reading.gap(place.block);
            let lines = reading.lines(place.block);
            for index in place.row..gap + lines.len() {
                let row = drawn.len();
                if row == height {
                    break;
                }
                let line = index.checked_sub(gap).filter(|index| *index < lines.len());
                drawn.push(line.map(|line| (place.block, line)));
                let Some(line) = line else { continue };
                cx.canvas.spans(row as i32, left, &lines[line]);
                if line == 0 && left > 0 {
                    let sign = reading.marks(place.block).filter(|mark| mark.start == place.block);
                    for sign in sign.filter_map(|mark| mark.options.sign.as_ref()) {
                        cx.canvas.part(row as i32, 0, 1, left).spans(0, 0, std::slice::from_ref(sign));
                    }
                }
            }
            place = Place { block: place.block + 1, row: 0 };
        }
        place.block < reading.count || drawn.len() == height
    }

    /// Lays what was found and what is selected over the drawn rows.
    fn tint(&self, cx: &mut RenderContext<'_>, reading: &Reading<'_>, shared: &Shared) {
        let (left, window) = (reading.gutter as i32, cx.window.name.clone());
        let drawn = self.drawn.borrow();
        if let Some(search) = shared.search.borrow().as_ref() {
            for (row, (block, line)) in places(&drawn) {
                for (cols, style) in search.hits_in(reading, block, line) {
                    cx.canvas.tint(row, left + cols.start as i32, 1, cols.len() as i32, &style);
                }
            }
        }
        let mut selection = shared.selection.borrow_mut();
        let Some(selection) = selection.as_mut().filter(|selection| selection.window == window) else {
            return;
        };
        selection.reach_edge(&drawn);
        let style = Style::new().on(Token::Selection);
        for (row, (block, line)) in places(&drawn) {
            if let Some(cols) = selection.columns(reading, block, line) {
                cx.canvas.tint(row, left + cols.start as i32, 1, cols.len() as i32, &style);
            }
        }
    }

    fn is_marked(&self, cx: &RenderContext<'_>) -> bool {
        self.top.get().is_some() && cx.canvas.height() >= 3 && cx.canvas.width() >= 16
    }

    /// Says at the lower edge that there is more below, and whether it is new.
    fn draw_marker(&self, cx: &mut RenderContext<'_>, reading: &Reading<'_>) {
        if !self.is_marked(cx) {
            return;
        }
        let news = self.left_at.get() != (reading.count, reading.revision());
        let (text, token) =
            if news { (" ↓ new output ", Token::Accent) } else { (" ↓ end ", Token::Dim) };
        let span = Span::new(text, Style::fg(token).on(Token::SelectedBg));
        let width = line_width(std::slice::from_ref(&span)) as i32;
        let (row, col) = (i32::from(cx.canvas.height()) - 1, i32::from(cx.canvas.width()) - width);
        cx.canvas.spans(row, col, &[span]);
    }

    /// Writes back what the frame made of the scroll state; done only where it differs, since it asks for a frame.
    fn report(&self, cx: &RenderContext<'_>, reading: &Reading<'_>, height: usize) {
        let wanted = match self.top.get() {
            None => Scroll { offset: 0, follow: true },
            Some(top) => Scroll { offset: reading.below(top).saturating_sub(height).max(1), follow: false },
        };
        if wanted != self.seen.replace(wanted) {
            cx.kernel.win().scroll(&cx.window.name, |scroll| *scroll = wanted);
        }
    }

    pub(super) fn render(&self, cx: &mut RenderContext<'_>, shared: &Shared) {
        let kernel = cx.kernel.clone();
        let window = Rc::clone(&cx.window);
        let (width, height) = (usize::from(cx.canvas.width()), usize::from(cx.canvas.height()));
        let made_for = (kernel.hook().revision(), kernel.theme_revision());
        if self.made_for.replace(made_for) != made_for {
            self.cache.borrow_mut().clear();
        }
        let count = kernel.buf().block_count(&window.buffer);
        if count == 0 {
            self.top.set(None);
            self.drawn.borrow_mut().clear();
            draw_welcome(cx, &shared.welcome.borrow());
            return;
        }
        if let Some(top) = self.top.get().filter(|top| top.block >= count) {
            self.top.set((top.block == 0).then_some(top));
        }
        let reading = Reading::new(&kernel, &window.buffer, self, shared, width);
        self.gutter.set(reading.gutter);
        self.follow_width(&reading, (width, height), shared);
        self.follow_scroll(&reading, window.scroll, height);
        // The marker has a row of its own: it covers no text.
        let shown = height - usize::from(self.is_marked(cx));
        if !self.draw(cx, &reading, shown) {
            // What was read has become shorter: there is no empty room below the last line.
            self.top.set(None);
            cx.canvas.clear();
            self.draw(cx, &reading, height);
        }
        self.tint(cx, &reading, shared);
        self.draw_marker(cx, &reading);
        self.report(cx, &reading, height);
    }
}

/// The rows in which lines stand, with their places.
fn places(drawn: &[Option<(usize, usize)>]) -> impl Iterator<Item = (i32, (usize, usize))> + '_ {
    drawn.iter().enumerate().filter_map(|(row, place)| Some((row as i32, (*place)?)))
}

fn draw_welcome(cx: &mut RenderContext<'_>, welcome: &[Line]) {
    let width = usize::from(cx.canvas.width()).max(1);
    for (row, line) in welcome.iter().flat_map(|line| wrap_line(line, width, &[])).enumerate() {
        cx.canvas.spans(row as i32, 0, &line);
    }
}
