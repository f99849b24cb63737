//! Searching the transcript: the line in which the pattern is typed, and the way from hit to hit.

use std::rc::Rc;

use purlin_kernel::{
    ExtId, HandlerError, Kernel, Level, RenderContext, Renderer, Window,
    text::{Span, Style, Token, line_truncate, line_width},
};

use super::Screen;
use crate::{
    composer::COMPOSER,
    transcript::{TRANSCRIPT, Transcript, search::Search},
};

/// The name of the line's window and buffer, and its role.
pub const SEARCH: &str = "search";

/// How long one slice of a long search may take, in microseconds.
const SLICE: u64 = 4_000;

/// Draws the line: the pattern, and how often it was found.
#[derive(Debug)]
pub(super) struct SearchLine(pub(super) Rc<Transcript>);

impl Renderer for SearchLine {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let width = usize::from(cx.canvas.width());
        let Some(buffer) = cx.kernel.buf().get(&cx.window.buffer) else { return Ok(()) };
        let dim = |text: String| Span::new(text, Style::fg(Token::Dim));
        let search = self.0.shared.search.borrow();
        let (count, missing) = match search.as_ref() {
            Some(search) if !search.pattern().is_empty() => {
                let more = if search.is_scanning() { " …" } else { "" };
                match (search.position(), search.total()) {
                    (_, 0) if search.is_scanning() => ("searching …".to_owned(), false),
                    (_, 0) => ("not found".to_owned(), true),
                    (Some(at), total) => (format!("{at} of {total}{more}"), false),
                    (None, total) => (format!("{total}{more}"), false),
                }
            }
            _ => (String::new(), false),
        };
        let hint = if cx.focused { "↑↓ · enter · esc" } else { "n older · N newer · esc" };
        let mut right = vec![dim(count.clone())];
        if missing {
            right = vec![Span::new(count, Style::fg(Token::Warning))];
        }
        if width >= 50 {
            right.push(Span::new(format!("   {hint}"), Style::fg(Token::Muted)));
        }
        let room = width.saturating_sub(line_width(&right) + 4).max(4);
        let text = buffer.text();
        // The end of a long pattern is where it is typed.
        let before: String = text.chars().take(buffer.cursor).collect();
        let used = purlin_kernel::text::width(&before);
        let mut skipped = used.saturating_sub(room.saturating_sub(1));
        let shown: String = text
            .chars()
            .skip_while(|c| {
                let goes = skipped > 0;
                skipped = skipped.saturating_sub(purlin_kernel::text::width(c.encode_utf8(&mut [0; 4])));
                goes
            })
            .collect();
        let left = vec![Span::new("/ ", Style::fg(Token::Accent)), Span::from(shown)];
        let col = width.saturating_sub(line_width(&right));
        cx.canvas.spans(0, 0, &line_truncate(left, width.min(room + 2)));
        cx.canvas.spans(0, col as i32, &right);
        let caret = 2 + used.min(room.saturating_sub(1));
        cx.set_cursor(0, caret.min(width.saturating_sub(1)) as u16);
        Ok(())
    }

    fn measure(&self, _: &Kernel, _: &Window, _: u16) -> Option<u16> {
        Some(1)
    }
}

impl Screen {
    /// Opens the search, or goes back to its line.
    pub(super) fn find(&self) {
        let kernel = &self.0.kernel;
        if kernel.buf().block_count(TRANSCRIPT) == 0 || kernel.win().get(TRANSCRIPT).is_none() {
            return;
        }
        if !self.shows_transcript() {
            let text = "The transcript that can be searched is not on the screen: this layout has none.";
            kernel.ui().notify(ExtId::CORE, text, Level::Info);
            return;
        }
        if !self.is_finding() {
            self.0.search_from.set(self.0.transcript.lowest(TRANSCRIPT).unwrap_or(usize::MAX));
        }
        self.show_search(true);
        kernel.win().focus(SEARCH);
        let length = kernel.buf().text(SEARCH).chars().count();
        kernel.buf().set_cursor(SEARCH, length);
        self.find_again();
    }

    fn show_search(&self, visible: bool) {
        self.0.kernel.win().set(SEARCH, |window| window.visible = visible);
    }

    /// Tells whether the search is open.
    pub(super) fn is_finding(&self) -> bool {
        self.0.kernel.win().get(SEARCH).is_some_and(|window| window.visible)
    }

    /// Searches for what the line holds.
    pub(super) fn find_again(&self) {
        let kernel = &self.0.kernel;
        let pattern = kernel.buf().text(SEARCH);
        let same = |search: &Search| search.pattern() == pattern;
        if self.0.transcript.shared.search.borrow().as_ref().is_some_and(same) || !self.is_finding() {
            return;
        }
        let search = self.0.transcript.read(kernel, TRANSCRIPT, |reading| Search::begin(&pattern, reading));
        *self.0.transcript.shared.search.borrow_mut() = search;
        self.scan();
    }

    /// Searches on for a slice of time, then again after what else is due.
    fn scan(&self) {
        let kernel = self.0.kernel.clone();
        let begun = kernel.host().now_micros();
        let host = kernel.host();
        let enough = move || host.now_micros().saturating_sub(begun) >= SLICE;
        let (more, fresh) = self
            .with_search(|search, reading| {
                let more = search.scan(reading, enough);
                (more, !search.has_current() && search.total() > 0)
            })
            .unwrap_or_default();
        if fresh {
            self.go_to(true);
        }
        kernel.win().mark_dirty(SEARCH);
        kernel.win().mark_dirty(TRANSCRIPT);
        if !more {
            return;
        }
        let weak = Rc::downgrade(&self.0);
        let pattern = kernel.buf().text(SEARCH);
        let next = move || {
            let Some(screen) = weak.upgrade().map(Screen) else { return Ok(()) };
            // A newer search has a chain of its own.
            if screen.0.kernel.buf().text(SEARCH) == pattern {
                screen.scan();
            }
            Ok(())
        };
        // The screen's own timers have no quota, so this cannot fail; if it did, the count would stay incomplete.
        let _ = kernel.timer().defer(ExtId::CORE, 0, Rc::new(next));
    }

    fn with_search<T>(&self, f: impl FnOnce(&mut Search, &crate::transcript::Reading<'_>) -> T) -> Option<T> {
        // Taken out while it reads: laying a block out may run foreign code.
        let mut search = self.0.transcript.shared.search.take()?;
        let answer = self.0.transcript.read(&self.0.kernel, TRANSCRIPT, |reading| f(&mut search, reading));
        *self.0.transcript.shared.search.borrow_mut() = Some(search);
        answer
    }

    /// Goes to the next older or newer place.
    pub(super) fn go_to(&self, older: bool) {
        let kernel = &self.0.kernel;
        let from = self.0.search_from.get();
        let place = self.with_search(|search, reading| {
            search.follow(reading);
            search.step(older, from)
        });
        let Some((block, _)) = place.flatten() else { return };
        let find = |screen: &Screen| screen.with_search(|search, reading| search.spot(reading)).flatten();
        let spot = find(self).or_else(|| {
            // It is there and not to be seen: what is folded is unfolded.
            let id = self.0.transcript.read(kernel, TRANSCRIPT, |reading| reading.block(block));
            let id = id.flatten()?.id.clone();
            self.0.transcript.toggle_block(&id);
            find(self).or_else(|| {
                self.0.transcript.toggle_block(&id);
                None
            })
        });
        let spot = spot.unwrap_or(crate::transcript::Spot { block, line: 0, col: 0 });
        self.0.transcript.show(kernel, TRANSCRIPT, spot);
        kernel.win().mark_dirty(SEARCH);
        kernel.win().mark_dirty(TRANSCRIPT);
    }

    /// Leaves the line for the transcript, where single keys go from hit to hit; without a hit, closes the search.
    pub(super) fn accept_find(&self) {
        let found =
            self.0.transcript.shared.search.borrow().as_ref().is_some_and(|search| search.total() > 0);
        if found {
            self.0.kernel.win().focus(TRANSCRIPT);
        } else {
            self.close_find();
        }
    }

    /// Ends the search; the transcript stays where it is.
    pub(super) fn close_find(&self) {
        *self.0.transcript.shared.search.borrow_mut() = None;
        self.show_search(false);
        self.0.kernel.buf().clear(SEARCH);
        self.0.kernel.win().focus(COMPOSER);
        self.0.kernel.win().mark_dirty(TRANSCRIPT);
    }

    /// Takes what has arrived into the search.
    pub(super) fn follow_find(&self) {
        if self.is_finding() {
            self.with_search(Search::follow);
            self.0.kernel.win().mark_dirty(SEARCH);
        }
    }
}
