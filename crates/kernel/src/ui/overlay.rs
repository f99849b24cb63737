//! Overlays: a text over the screen, which goes on living behind it, with a search and, where wanted, a choice of actions.

use crate::key::{KeyCode, KeyEvent};
use crate::layout::Rect;
use crate::text::{Attrs, Highlighter, Line, Style, line_plain, markdown, sgr, wrap_line};
use crate::window::Anchor;

use super::keys::Effect;
use super::{DialogAnswer, Ui};
use crate::Topic;

/// Columns that border and padding take.
const SIDES: u16 = 4;

/// Columns at most of what takes the whole width: longer lines are hard to read.
const WIDEST: u16 = 96;

/// Rows that a step of the wheel scrolls.
const WHEEL: usize = 3;

/// What an overlay shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverlayBody {
    /// Text; SGR sequences become styles.
    Text(String),
    /// Markdown.
    Markdown(String),
    /// Styled lines, wrapped where they are too long.
    Lines(Vec<Line>),
}

impl Default for OverlayBody {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

/// How to show an overlay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OverlayOptions {
    /// What stands on its border.
    pub title: String,
    /// What it shows.
    pub body: OverlayBody,
    /// The colour of its border, as that of a style's glyphs; absent = the theme's accent.
    pub border_color: Option<Style>,
    /// The colour behind it.
    pub background: Option<Style>,
    /// Its columns; absent = six tenths of the screen's.
    pub width: Option<u16>,
    /// Whether it is as wide as lists to choose from, whatever `width` says: to the edges of a narrow screen.
    pub whole_width: bool,
    /// Its rows at most; absent = eight tenths of the screen's.
    pub max_height: Option<u16>,
    /// Where it is held: [`Anchor::Center`], [`Anchor::Top`] or [`Anchor::Bottom`]; any other counts as the centre.
    pub anchor: Option<Anchor>,
    /// Whether its end is shown first, as of a log.
    pub at_end: bool,
    /// What can be chosen.
    pub actions: Vec<String>,
    /// After how many milliseconds it ends with `timeout`.
    pub timeout_ms: Option<u64>,
}

/// How an overlay ended.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OverlayAnswer {
    /// The chosen action; empty without one.
    pub action: String,
    /// Its zero-based place; −1 without one.
    pub index: i64,
    /// Whether it was left without choosing.
    pub cancelled: bool,
}

/// An overlay as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlay {
    /// How it was asked for.
    pub options: OverlayOptions,
    /// Its content, laid out for its width.
    pub lines: Vec<Line>,
    /// Where it stands, border included.
    pub rect: Rect,
    /// The first line shown.
    pub top: usize,
    /// Lines shown at a time.
    pub rows: usize,
    /// The chosen action.
    pub action: usize,
    /// The search, as far as it is typed; absent = nobody searches.
    pub typing: Option<String>,
    /// What was searched for.
    pub pattern: String,
    /// The lines in which that was found.
    pub hits: Vec<usize>,
    screen: (u16, u16),
}

/// Answers columns and greatest rows of an overlay, border included, on a screen of this size.
pub fn overlay_size(width: Option<u16>, max_height: Option<u16>, (columns, rows): (u16, u16)) -> (u16, u16) {
    let share = |of: u16, hundredths: u32| (u32::from(of) * hundredths / 100) as u16;
    let width = width.unwrap_or_else(|| share(columns, 60)).max(30).min(columns.saturating_sub(4));
    let height = max_height.unwrap_or_else(|| share(rows, 80)).max(8).min(rows.saturating_sub(2));
    (width.max(1).min(columns), height.max(1).min(rows))
}

impl Overlay {
    pub(super) fn new(
        options: OverlayOptions,
        screen: (u16, u16),
        painter: Option<&dyn Highlighter>,
    ) -> Self {
        let mut overlay = Self {
            options,
            lines: Vec::new(),
            rect: Rect::default(),
            top: 0,
            rows: 0,
            action: 0,
            typing: None,
            pattern: String::new(),
            hits: Vec::new(),
            screen: (0, 0),
        };
        overlay.fit(screen, painter);
        if overlay.options.at_end {
            overlay.scroll_to(usize::MAX);
        }
        overlay
    }

    /// Lays it out for a screen; answers whether that changed anything.
    pub(super) fn fit(&mut self, screen: (u16, u16), painter: Option<&dyn Highlighter>) -> bool {
        if screen == self.screen {
            return false;
        }
        self.screen = screen;
        let (mut width, most) = overlay_size(self.options.width, self.options.max_height, screen);
        if self.options.whole_width {
            width = screen.0.clamp(1, WIDEST);
        }
        let room = usize::from(width.saturating_sub(SIDES).max(1));
        self.lines = match &self.options.body {
            OverlayBody::Text(text) => {
                sgr::parse(text).iter().flat_map(|line| wrap_line(line, room, &[])).collect()
            }
            OverlayBody::Markdown(text) => markdown::markdown_with(text, room, painter),
            OverlayBody::Lines(lines) => lines.iter().flat_map(|line| wrap_line(line, room, &[])).collect(),
        };
        // Two rows of border, and one for the actions with an empty one above.
        let taken = 2 + if self.options.actions.is_empty() { 0 } else { 2 };
        let wanted = (self.lines.len().max(1) + usize::from(taken)).min(usize::from(u16::MAX)) as u16;
        let height = wanted.min(most);
        self.rows = usize::from(height.saturating_sub(taken).max(1));
        let (anchor, offset) = match self.options.anchor {
            Some(Anchor::Top) => (Anchor::Top, 1),
            Some(Anchor::Bottom) => (Anchor::Bottom, -1),
            _ => (Anchor::Center, 0),
        };
        let area = Rect::new(0, 0, screen.0, screen.1);
        let (x, y) = anchor.place(area, (width, height), (offset, 0));
        let row = y.clamp(0, i32::from(screen.1.saturating_sub(height))) as u16;
        self.rect = Rect::new(x.max(0) as u16, row, width, height);
        self.find();
        self.scroll_to(self.top);
        true
    }

    fn scroll_to(&mut self, top: usize) {
        self.top = top.min(self.lines.len().saturating_sub(self.rows));
    }

    pub(super) fn wheel(&mut self, up: bool) {
        self.scroll_to(if up { self.top.saturating_sub(WHEEL) } else { self.top + WHEEL });
    }

    /// Says where in the content one is: first and last line shown, and how many there are; absent where all are shown.
    pub fn position(&self) -> Option<(usize, usize, usize)> {
        let total = self.lines.len();
        (total > self.rows).then(|| (self.top + 1, (self.top + self.rows).min(total), total))
    }

    fn find(&mut self) {
        let wanted = self.pattern.to_lowercase();
        let found = |line: &Line| !wanted.is_empty() && line_plain(line).to_lowercase().contains(&wanted);
        self.hits = (0..self.lines.len()).filter(|at| found(&self.lines[*at])).collect();
    }

    /// Scrolls to the next or previous line in which the pattern was found, from the end to the beginning and back.
    fn next_hit(&mut self, forward: bool, from: usize) {
        let next = if forward {
            self.hits.iter().find(|hit| **hit >= from).or(self.hits.first())
        } else {
            self.hits.iter().rev().find(|hit| **hit < from).or(self.hits.last())
        };
        if let Some(hit) = next.copied() {
            self.scroll_to(hit);
        }
    }

    pub(super) fn key(&mut self, event: &KeyEvent) -> Effect {
        if self.typing.is_some() {
            return self.search_key(event);
        }
        let mods = event.key.mods;
        if mods.ctrl || mods.alt || mods.meta {
            return Effect::Ignored;
        }
        let last = self.options.actions.len().saturating_sub(1);
        match event.key.code {
            KeyCode::Up | KeyCode::Char('k') => self.scroll_to(self.top.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.scroll_to(self.top + 1),
            KeyCode::PageUp => self.scroll_to(self.top.saturating_sub(self.rows)),
            KeyCode::PageDown => self.scroll_to(self.top + self.rows),
            KeyCode::Home | KeyCode::Char('g') => self.top = 0,
            KeyCode::End | KeyCode::Char('G') => self.scroll_to(usize::MAX),
            KeyCode::Char('/') => self.typing = Some(String::new()),
            KeyCode::Char('n') => self.next_hit(true, self.top + 1),
            KeyCode::Char('N') => self.next_hit(false, self.top),
            KeyCode::Left | KeyCode::Char('h') => self.action = self.action.saturating_sub(1),
            KeyCode::Right | KeyCode::Char('l') => self.action = (self.action + 1).min(last),
            KeyCode::Tab => self.action = if self.action == last { 0 } else { self.action + 1 },
            KeyCode::Enter => return Effect::Answer(DialogAnswer::Overlay(self.chosen())),
            KeyCode::Escape => return Effect::Cancel,
            _ => return Effect::Ignored,
        }
        Effect::Changed
    }

    fn search_key(&mut self, event: &KeyEvent) -> Effect {
        let Some(typed) = self.typing.as_mut() else { return Effect::Ignored };
        match event.key.code {
            KeyCode::Escape => self.typing = None,
            KeyCode::Enter => {
                self.pattern = self.typing.take().unwrap_or_default();
                self.find();
                self.next_hit(true, self.top);
            }
            KeyCode::Backspace => {
                typed.pop();
            }
            _ if !event.text().is_empty() => typed.push_str(&event.text()),
            _ => return Effect::Ignored,
        }
        Effect::Changed
    }

    fn chosen(&self) -> OverlayAnswer {
        match self.options.actions.get(self.action) {
            Some(action) => {
                OverlayAnswer { action: action.clone(), index: self.action as i64, cancelled: false }
            }
            None => OverlayAnswer { index: -1, ..OverlayAnswer::default() },
        }
    }

    /// Answers a line with what was searched for on a background of its own.
    pub fn marked(&self, line: usize) -> Line {
        let Some(spans) = self.lines.get(line) else { return Line::new() };
        if self.pattern.is_empty() || self.hits.binary_search(&line).is_err() {
            return spans.clone();
        }
        let hit = Style::new().on(crate::text::Token::Search).with(Attrs::BOLD);
        let marked = |span: &crate::text::Span| {
            let found = span.text.to_lowercase().contains(&self.pattern.to_lowercase());
            let style = if found { span.style.patch(&hit) } else { span.style.clone() };
            crate::text::Span { style, ..span.clone() }
        };
        spans.iter().map(marked).collect()
    }
}

impl Ui<'_> {
    /// Lays the open overlays out for the screen as it is.
    pub(crate) fn fit_overlays(self) {
        let (screen, painter) = (self.screen(), self.0.highlighter());
        let mut changed = false;
        for open in self.0.0.ui.stack.borrow_mut().iter_mut() {
            if let super::DialogBody::Overlay(overlay) = &mut std::rc::Rc::make_mut(&mut open.dialog).body {
                changed |= overlay.fit(screen, painter.as_deref());
            }
        }
        if changed {
            self.0.changed(Topic::Dialogs);
        }
    }

    /// Lays open overlays with Markdown out anew: code in them may have its colours now.
    pub(crate) fn repaint_overlays(self) {
        for open in self.0.0.ui.stack.borrow_mut().iter_mut() {
            if let super::DialogBody::Overlay(overlay) = &mut std::rc::Rc::make_mut(&mut open.dialog).body
                && matches!(overlay.options.body, OverlayBody::Markdown(_))
            {
                overlay.screen = (0, 0);
            }
        }
        self.fit_overlays();
    }

    /// Answers the screen's size; before the first frame, what most terminals begin with.
    pub(super) fn screen(self) -> (u16, u16) {
        match self.0.layout().size() {
            (0, 0) => (80, 24),
            size => size,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_contract() {
        let table = [
            // Absent: 60 % of the columns, 80 % of the rows.
            ((None, None), (100, 40), (60, 32)),
            ((None, None), (81, 41), (48, 32)),
            // Raised to 30 and 8, then capped at the terminal less 4 and 2: the cap wins.
            ((None, None), (40, 9), (30, 7)),
            ((None, None), (32, 24), (28, 19)),
            ((Some(10), Some(3)), (100, 40), (30, 8)),
            ((Some(200), Some(200)), (100, 40), (96, 38)),
            ((None, None), (3, 2), (1, 1)),
        ];
        for ((width, height), screen, expected) in table {
            assert_eq!(overlay_size(width, height, screen), expected, "{width:?} {height:?} on {screen:?}");
        }
    }
}
