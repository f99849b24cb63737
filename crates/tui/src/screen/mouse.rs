//! What the mouse does when nobody else wanted it: scrolling, selecting, unfolding, placing the caret.

use std::rc::Rc;

use purlin_kernel::{
    ExtId, Handle, Level, MarkOptions, MouseButton, MouseEvent, MouseKind, Window, text::line_plain,
};

use super::Screen;
use crate::{
    clipboard,
    composer::{self, COMPOSER},
    notice::NOTICE,
    popup::AUTOCOMPLETE,
    status::STATUS,
    transcript::{
        Spot, TRANSCRIPT,
        select::{Selection, Unit},
    },
};

/// Rows that a step of the wheel scrolls.
pub(crate) const WHEEL: usize = 3;

/// Presses that follow one another within so many milliseconds at one place count together.
const AGAIN: u64 = 400;

/// How often a drag past the edge scrolls a row, in milliseconds.
const CREEP: u64 = 40;

/// The highlight group and the family of marks of what is selected in the composer.
pub(super) const SELECTED: &str = "composer.selection";

/// What is remembered between two mouse events.
#[derive(Debug, Default)]
pub(super) struct Mouse {
    /// When and where a button went down last, and how often in a row.
    pressed: Option<(u64, u16, u16, u8)>,
    /// Scrolls while the mouse is held past an edge.
    creep: Option<Handle>,
    /// The position in the composer at which the button went down there, while it is held.
    held: Option<usize>,
}

impl Screen {
    /// Does what the mouse asks for when nobody else wanted it.
    pub fn mouse(&self, event: MouseEvent) {
        if self.0.kernel.ui().has_dialog() {
            return;
        }
        match (event.kind, event.button) {
            (MouseKind::WheelUp, _) => self.wheel(event, true),
            (MouseKind::WheelDown, _) => self.wheel(event, false),
            (MouseKind::Press, MouseButton::Left) => self.press(event),
            (MouseKind::Drag, MouseButton::Left) => self.drag(event),
            (MouseKind::Release, _) => self.release(event),
            _ => {}
        }
    }

    fn below(&self, event: MouseEvent) -> Option<Rc<Window>> {
        self.0.kernel.win().at(event.row, event.col)
    }

    fn wheel(&self, event: MouseEvent, up: bool) {
        let stock = [COMPOSER, STATUS, NOTICE, AUTOCOMPLETE];
        // Over the composer and the lines around it the wheel means the transcript.
        let below = self.below(event).filter(|window| !stock.contains(&window.name.as_str()));
        let name = below.map_or_else(|| TRANSCRIPT.to_owned(), |window| window.name.clone());
        self.scroll(&name, up, WHEEL);
    }

    /// Tells whether a window shows the transcript by its own renderer.
    fn is_transcript(window: &Window) -> bool {
        window.buffer == TRANSCRIPT
    }

    /// The place of the transcript at a place of the screen.
    fn spot(&self, window: &Window, event: MouseEvent) -> Option<Spot> {
        let inner = window.inner();
        let row = usize::from(event.row.saturating_sub(inner.y));
        let col = usize::from(event.col.saturating_sub(inner.x));
        self.0.transcript.spot(&window.name, row, col)
    }

    fn press(&self, event: MouseEvent) {
        let now = self.0.kernel.now();
        let mut mouse = self.0.mouse.borrow_mut();
        let again = mouse.pressed.filter(|(at, row, col, _)| {
            now.saturating_sub(*at) < AGAIN && (*row, *col) == (event.row, event.col)
        });
        let times = again.map_or(1, |(.., times)| times % 3 + 1);
        mouse.pressed = Some((now, event.row, event.col, times));
        mouse.creep = None;
        mouse.held = None;
        drop(mouse);
        self.clear_selection();
        let Some(window) = self.below(event) else { return };
        if window.name == COMPOSER {
            self.place_caret(&window, event);
            self.0.mouse.borrow_mut().held = Some(self.0.kernel.buf().cursor(COMPOSER));
            return;
        }
        if !Self::is_transcript(&window) {
            return;
        }
        let unit = match times {
            1 => Unit::Cell,
            2 => Unit::Word,
            _ => Unit::Line,
        };
        let selection = self.spot(&window, event).map(|spot| Selection::at(&window.name, spot, unit));
        *self.0.transcript.shared.selection.borrow_mut() = selection;
        self.0.kernel.win().mark_dirty(&window.name);
    }

    fn drag(&self, event: MouseEvent) {
        let held = self.0.mouse.borrow().held;
        if let Some(from) = held {
            return self.drag_composer(from, event);
        }
        let Some(name) = self.selecting() else { return };
        let Some(window) = self.0.kernel.win().get(&name) else { return };
        let inner = window.inner();
        let bottom = inner.y + inner.height;
        // At the screen's own edge there is no row past it.
        let up = event.row < inner.y || event.row == 0;
        let edge = (up || event.row >= bottom).then(|| (up, usize::from(event.col.saturating_sub(inner.x))));
        let spot = self.spot(&window, event).filter(|_| edge.is_none());
        if let Some(selection) = self.0.transcript.shared.selection.borrow_mut().as_mut() {
            selection.edge = edge;
            selection.drag(spot.unwrap_or(selection.head));
        }
        self.creep(edge.map(|(up, _)| up), &name);
        self.0.kernel.win().mark_dirty(&name);
    }

    /// Begins or ends scrolling by itself.
    fn creep(&self, up: Option<bool>, window: &str) {
        let mut mouse = self.0.mouse.borrow_mut();
        let Some(up) = up else {
            if let Some(creep) = mouse.creep.take() {
                creep.del();
            }
            return;
        };
        if mouse.creep.is_some() {
            return;
        }
        let (weak, window) = (Rc::downgrade(&self.0), window.to_owned());
        let step = move || {
            if let Some(parts) = weak.upgrade() {
                Screen(parts).scroll(&window, up, 1);
            }
            Ok(())
        };
        // The screen's own timers have no quota.
        mouse.creep = self.0.kernel.timer().interval(ExtId::CORE, CREEP, Rc::new(step)).ok();
    }

    /// Selects in the composer from where the button went down to where the mouse is.
    fn drag_composer(&self, from: usize, event: MouseEvent) {
        let kernel = &self.0.kernel;
        let Some(window) = kernel.win().get(COMPOSER) else { return };
        self.place_caret(&window, event);
        let to = kernel.buf().cursor(COMPOSER);
        self.clear_composer();
        let options = MarkOptions {
            end: Some(from.max(to)),
            hl: Some(SELECTED.into()),
            priority: i32::MAX,
            ..MarkOptions::default()
        };
        let ns = kernel.mark().namespace(SELECTED);
        // The buffer is there and the screen has no quota; without the mark only the colour is missing.
        let _ = kernel.mark().set(ExtId::CORE, COMPOSER, ns, from.min(to), options);
    }

    /// Copies what was selected in the composer; it stays selected until the text changes.
    fn copy_composer(&self, from: usize) {
        let kernel = &self.0.kernel;
        let to = kernel.buf().cursor(COMPOSER);
        let text = kernel.buf().text(COMPOSER);
        let text: String = text.chars().skip(from.min(to)).take(from.abs_diff(to)).collect();
        if !text.is_empty() {
            clipboard::copy(kernel, text);
        }
    }

    /// Lets go of what is selected in the composer; answers whether something was.
    pub(super) fn clear_composer(&self) -> bool {
        let marks = self.0.kernel.mark();
        marks.is_marked(COMPOSER) && marks.clear(COMPOSER, marks.namespace(SELECTED), 0..usize::MAX) > 0
    }

    fn release(&self, event: MouseEvent) {
        let held = self.0.mouse.borrow_mut().held.take();
        if let Some(from) = held {
            return self.copy_composer(from);
        }
        let Some(name) = self.selecting() else { return };
        self.creep(None, &name);
        let active = {
            let mut selection = self.0.transcript.shared.selection.borrow_mut();
            let Some(selection) = selection.as_mut() else { return };
            selection.edge = None;
            selection.active
        };
        if active {
            return self.copy_selection();
        }
        self.clear_selection();
        self.click(event);
    }

    /// A press and release without movement: on the line that says what is folded, it unfolds.
    fn click(&self, event: MouseEvent) {
        let Some(window) = self.below(event).filter(|window| Self::is_transcript(window)) else { return };
        let Some(spot) = self.spot(&window, event) else { return };
        let id = self.0.transcript.read(&self.0.kernel, &window.name, |reading| {
            let lines = reading.lines(spot.block);
            let folded = lines.get(spot.line).is_some_and(|line| line_plain(line).contains("(ctrl+o)"));
            reading.block(spot.block).filter(|_| folded).map(|block| block.id.clone())
        });
        if let Some(id) = id.flatten() {
            self.0.transcript.toggle_block(&id);
            self.0.kernel.win().mark_dirty(&window.name);
        }
    }

    /// Answers the window in which something is being selected.
    fn selecting(&self) -> Option<String> {
        self.0.transcript.shared.selection.borrow().as_ref().map(|selection| selection.window.clone())
    }

    /// Copies what is selected in the transcript; false when nothing is.
    pub(super) fn copy_selection(&self) {
        let selection = self.0.transcript.shared.selection.borrow().clone();
        let Some(selection) = selection.filter(|selection| selection.active) else {
            let text = "Nothing is selected; dragging the mouse selects.";
            return self.0.kernel.ui().notify(ExtId::CORE, text, Level::Info);
        };
        let text = self
            .0
            .transcript
            .read(&self.0.kernel, &selection.window, |reading| selection.text(reading))
            .unwrap_or_default();
        if !text.is_empty() {
            clipboard::copy(&self.0.kernel, text);
        }
    }

    /// Lets go of what is selected; answers whether something was.
    pub(super) fn clear_selection(&self) -> bool {
        let composed = self.clear_composer();
        let Some(before) = self.0.transcript.shared.selection.take() else { return composed };
        self.0.kernel.win().mark_dirty(&before.window);
        before.active || composed
    }

    fn place_caret(&self, window: &Window, event: MouseEvent) {
        let kernel = &self.0.kernel;
        let inner = window.inner();
        let (row, col) = (event.row.saturating_sub(inner.y), event.col.saturating_sub(inner.x));
        if let Some(buffer) = kernel.buf().get(&window.buffer) {
            let at = composer::position(&buffer, &self.0.composer, inner, (row, col));
            kernel.buf().set_cursor(&window.buffer, at);
        }
    }

    /// Scrolls a window, towards its beginning or its end.
    pub(super) fn scroll(&self, name: &str, up: bool, rows: usize) {
        let kernel = &self.0.kernel;
        let Some(window) = kernel.win().get(name) else { return };
        let text = kernel.buf().get(&window.buffer).is_some_and(|buffer| buffer.rope.len_chars() > 0);
        if text && kernel.buf().source(&window.buffer).is_none() {
            // A text is scrolled by its first shown line, blocks by their distance from the end.
            let last =
                kernel.buf().get(&window.buffer).map_or(0, |buffer| buffer.line_count().saturating_sub(1));
            kernel.win().scroll(name, |scroll| {
                let down = scroll.offset.saturating_add(rows).min(last);
                scroll.offset = if up { scroll.offset.saturating_sub(rows) } else { down };
            });
            return;
        }
        kernel.win().scroll(name, |scroll| {
            scroll.offset =
                if up { scroll.offset.saturating_add(rows) } else { scroll.offset.saturating_sub(rows) };
            scroll.follow = scroll.offset == 0;
        });
    }
}
