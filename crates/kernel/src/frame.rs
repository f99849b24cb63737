//! Frames: layout, the dirty windows' renderers, and the rows they damaged put together on one grid.

use std::cell::{Cell, Ref, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use serde_json::json;

use crate::grid::{Atlas, Canvas, Grid};
use crate::guard::DeadlineClass;
use crate::hooks::Object;
use crate::hooks::terminal::{Render, Resize, Startup};
use crate::layout::Rect;
use crate::text::{Style, Token};
use crate::window::Drawer;
use crate::{ExtId, Kernel, Ownership, RenderContext, Renderer, Window};

#[derive(Default)]
pub(crate) struct FrameState {
    grid: RefCell<Grid>,
    atlas: RefCell<Atlas>,
    /// Rows that are put together anew by this frame.
    fresh: RefCell<Vec<bool>>,
    /// Rows put together anew since a frame was shown.
    damaged: RefCell<Vec<bool>>,
    number: Cell<u64>,
    started: Cell<bool>,
    /// Whether the last frame was shown.
    shown: Cell<bool>,
}

/// What the screen should show.
pub struct Frame<'k> {
    /// The cells.
    pub grid: Ref<'k, Grid>,
    /// Row and column of the cursor; absent = hidden.
    pub cursor: Option<(u16, u16)>,
    /// Whether any row was put together anew.
    pub changed: bool,
    damaged: Ref<'k, Vec<bool>>,
    kernel: &'k Kernel,
    discarded: bool,
}

impl Frame<'_> {
    /// Tells whether a row was put together anew since the last frame that was shown.
    pub fn is_damaged(&self, row: u16) -> bool {
        self.damaged.get(usize::from(row)).copied().unwrap_or(false)
    }

    /// Says that nobody has seen it: what it changed counts for the next one as well.
    pub fn discard(mut self) {
        self.discarded = true;
    }
}

impl Drop for Frame<'_> {
    fn drop(&mut self) {
        self.kernel.0.frames.shown.set(!self.discarded);
    }
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Frame")
            .field("cursor", &self.cursor)
            .field("changed", &self.changed)
            .finish_non_exhaustive()
    }
}

impl Kernel {
    /// Answers what the ids in the frame's cells stand for.
    pub fn atlas(&self) -> Ref<'_, Atlas> {
        self.0.frames.atlas.borrow()
    }

    /// Tells whether a frame would show something new.
    pub fn needs_frame(&self) -> bool {
        self.0.layout.dirty.get() || self.0.windows.any_dirty.get()
    }

    /// Draws what is dirty and answers what a screen of this size should show.
    ///
    /// The answer borrows the grid: it must be dropped before the next frame is asked for.
    pub fn frame(&self, width: u16, height: u16) -> Frame<'_> {
        if !self.0.frames.started.replace(true) {
            self.hook().dispatch_with::<Startup>(|| ());
        }
        let resized = self.0.layout.size.replace((width, height)) != (width, height);
        if resized {
            self.hook().dispatch_with::<Resize>(|| {
                Object::from_iter([("width".to_owned(), json!(width)), ("height".to_owned(), json!(height))])
            });
        }
        {
            let mut grid = self.0.frames.grid.borrow_mut();
            if resized || grid.width() != width || grid.height() != height {
                grid.reset(width, height);
                self.0.layout.dirty.set(true);
            }
            let mut damaged = self.0.frames.damaged.borrow_mut();
            if self.0.frames.shown.replace(false) || resized {
                damaged.clear();
            }
            damaged.resize(usize::from(height), resized);
            let mut fresh = self.0.frames.fresh.borrow_mut();
            fresh.clear();
            fresh.resize(usize::from(height), resized);
        }
        if resized {
            self.ui().fit_overlays();
        }
        if self.needs_frame() || resized {
            self.announce_frame(width, height);
            self.tidy_atlas();
            self.0.windows.any_dirty.set(false);
            self.0.layout.dirty.set(false);
            self.place_windows(width, height);
            self.draw_windows();
            self.paint_from_outside();
            self.compose();
            self.drop_ephemeral_marks();
        }
        let damaged = self.0.frames.damaged.borrow();
        let changed = damaged.iter().any(|row| *row);
        let (grid, cursor) = (self.0.frames.grid.borrow(), self.frame_cursor());
        Frame { grid, cursor, changed, damaged, kernel: self, discarded: false }
    }

    /// Raises `render`; what its handlers change is part of the frame.
    fn announce_frame(&self, width: u16, height: u16) {
        let number = self.0.frames.number.get() + 1;
        self.0.frames.number.set(number);
        self.hook().dispatch_with::<Render>(|| {
            Object::from_iter([
                ("width".to_owned(), json!(width)),
                ("height".to_owned(), json!(height)),
                ("frame".to_owned(), json!(number)),
            ])
        });
    }

    /// Gives every window its rectangle; one whose rectangle changed is drawn again.
    fn place_windows(&self, width: u16, height: u16) {
        let solved: HashMap<String, Rect> = self.layout().solve(width, height).into_iter().collect();
        let mut moved = self.0.windows.vacated.take();
        for slot in self.0.windows.slots.borrow_mut().values_mut() {
            let placed = slot.state.visible.then(|| solved.get(&slot.state.name).copied());
            let rect = placed.flatten().unwrap_or_default();
            if rect != slot.state.rect {
                moved.push(slot.state.rect);
                moved.push(rect);
                Rc::make_mut(&mut slot.state).rect = rect;
                slot.dirty = true;
            }
        }
        for rect in moved {
            self.damage(rect);
        }
    }

    fn damage(&self, rect: Rect) {
        if rect.is_empty() {
            return;
        }
        for rows in [&self.0.frames.damaged, &self.0.frames.fresh] {
            let mut rows = rows.borrow_mut();
            let from = usize::from(rect.y).min(rows.len());
            let to = (from + usize::from(rect.height)).min(rows.len());
            rows[from..to].fill(true);
        }
    }

    fn draw_windows(&self) {
        for window in self.win().list() {
            let drawers = self.win().drawers(&window.name);
            let work = {
                let mut slots = self.0.windows.slots.borrow_mut();
                let Some(slot) = slots.get_mut(&window.name).filter(|slot| slot.dirty) else { continue };
                slot.dirty = false;
                let wiped = std::mem::take(&mut slot.wiped);
                if window.rect.is_empty() {
                    (slot.surface, slot.edge) = (None, None);
                    continue;
                }
                (slot.stock.clone(), slot.surface.take(), wiped)
            };
            self.damage(window.rect);
            let (stock, surface, wiped) = work;
            let stock = self.win().stock_renderer(&window, stock);
            let edge = self.draw_edge(&window);
            let inner = window.inner();
            let same = surface.filter(|grid| grid.width() == inner.width && grid.height() == inner.height);
            let active = drawers.iter().rev().find(|drawer| !self.guard().is_suspended(drawer.owner));
            let untouched = active.is_some_and(|drawer| drawer.renderer.is_none()) && !wiped;
            let (surface, cursor, ownership) = match same {
                Some(kept) if untouched => (kept, window.cursor, window.ownership),
                same => {
                    let blank = same.unwrap_or_else(|| Grid::new(inner.width, inner.height));
                    let (surface, cursor) = self.draw(&window, &stock, &drawers, blank);
                    let overlaid = window.ownership == Ownership::Overlay;
                    (surface, cursor, if overlaid { Ownership::Stock } else { window.ownership })
                }
            };
            if let Some(slot) = self.0.windows.slots.borrow_mut().get_mut(&window.name) {
                slot.surface = Some(surface);
                slot.edge = edge;
                if slot.state.cursor != cursor || slot.state.ownership != ownership {
                    let state = Rc::make_mut(&mut slot.state);
                    (state.cursor, state.ownership) = (cursor, ownership);
                }
            }
        }
    }

    /// Draws the line around a window that has one.
    fn draw_edge(&self, window: &Window) -> Option<Grid> {
        let line = window.line();
        if line.is_none() && window.edge() != (2, 2) {
            return None;
        }
        let focused = self.win().focused().is_some_and(|focused| focused.name == window.name);
        let token = if focused { Token::BorderAccent } else { Token::Border };
        let mut edge = Grid::new(window.rect.width, window.rect.height);
        let mut atlas = self.0.frames.atlas.borrow_mut();
        let (mut canvas, style) = (Canvas::new(&mut edge, &mut atlas), Style::fg(token));
        match line {
            Some(line) => {
                let (row, col) = (i32::from(line.y - window.rect.y), i32::from(line.x - window.rect.x));
                let upright = line.width < window.rect.width;
                canvas.part(row, col, i32::from(line.height), i32::from(line.width)).line(upright, &style);
            }
            None => canvas.border(window.border, &style, &window.title),
        }
        Some(edge)
    }

    /// Carries out what was drawn from outside of renderers.
    fn paint_from_outside(&self) {
        let painted = self.win().paint_queue(&mut self.0.frames.atlas.borrow_mut());
        for name in painted {
            if let Some(window) = self.win().get(&name) {
                self.damage(window.inner());
            }
        }
    }

    /// Draws one window: the newest extension renderer that does not fail, else the stock one.
    fn draw(
        &self,
        window: &Rc<Window>,
        stock: &Rc<dyn Renderer>,
        drawers: &[Drawer],
        mut surface: Grid,
    ) -> (Grid, Option<(u16, u16)>) {
        let (width, height) = (surface.width(), surface.height());
        for (at, drawer) in drawers.iter().enumerate().rev() {
            if self.guard().is_suspended(drawer.owner) {
                continue;
            }
            let Some(renderer) = &drawer.renderer else {
                surface.reset(width, height);
                return (surface, None);
            };
            let previous =
                drawer.wrap.then(|| self.draw(window, stock, &drawers[..at], Grid::new(width, height)).0);
            let what = format!("renderer of `{}`", window.name);
            let drawn = self.guard().stretch(drawer.owner, DeadlineClass::Render, &what, || {
                self.draw_with(&**renderer, window, &mut surface, previous.as_ref())
            });
            if let Ok(cursor) = drawn {
                return (surface, cursor);
            }
        }
        let what = format!("stock renderer of `{}`", window.name);
        // The guard has recorded a failure; the window then shows what was drawn until it failed.
        let cursor = self
            .guard()
            .stretch(ExtId::CORE, DeadlineClass::Render, &what, || {
                self.draw_with(&**stock, window, &mut surface, None)
            })
            .unwrap_or_default();
        (surface, cursor)
    }

    fn draw_with(
        &self,
        renderer: &dyn Renderer,
        window: &Rc<Window>,
        surface: &mut Grid,
        previous: Option<&Grid>,
    ) -> Result<Option<(u16, u16)>, crate::HandlerError> {
        surface.reset(surface.width(), surface.height());
        let focused = self.win().focused().is_some_and(|focused| focused.name == window.name);
        // Taken out while foreign code runs; a renderer that draws a frame would find an empty one, not a panic.
        let mut atlas = self.0.frames.atlas.take();
        let mut cx = RenderContext {
            kernel: self,
            window: window.clone(),
            canvas: Canvas::new(surface, &mut atlas),
            previous,
            focused,
            cursor: None,
        };
        let drawn = catch_unwind(AssertUnwindSafe(|| renderer.render(&mut cx)));
        let cursor = cx.cursor;
        *self.0.frames.atlas.borrow_mut() = atlas;
        match drawn {
            Ok(drawn) => drawn.map(|()| cursor),
            Err(panic) => resume_unwind(panic),
        }
    }

    /// Forgets ids that nothing shown uses any more, once there are very many.
    fn tidy_atlas(&self) {
        let mut atlas = self.0.frames.atlas.borrow_mut();
        if atlas.is_crowded() {
            atlas.clear();
            for slot in self.0.windows.slots.borrow_mut().values_mut() {
                slot.surface = None;
                slot.dirty = true;
            }
            self.0.frames.damaged.borrow_mut().fill(true);
            self.0.frames.fresh.borrow_mut().fill(true);
        }
    }

    /// Puts the damaged rows together from all windows, lowest first.
    fn compose(&self) {
        let windows = self.win().list();
        let mut grid = self.0.frames.grid.borrow_mut();
        let fresh = self.0.frames.fresh.borrow();
        for (row, _) in fresh.iter().enumerate().filter(|(_, fresh)| **fresh) {
            grid.clear_row(row as u16);
        }
        let slots = self.0.windows.slots.borrow();
        for window in windows.iter().filter(|window| window.visible) {
            let Some(slot) = slots.get(&window.name) else { continue };
            let layers = [(&slot.edge, window.rect), (&slot.surface, window.inner())];
            for (layer, rect) in layers.into_iter().filter_map(|(layer, rect)| Some((layer.as_ref()?, rect)))
            {
                for row in 0..layer.height().min(rect.height) {
                    let at = rect.y + row;
                    if fresh.get(usize::from(at)).copied().unwrap_or(false) {
                        let cells = &layer.row(row)[..usize::from(rect.width.min(layer.width()))];
                        grid.overlay(at, rect.x, cells);
                    }
                }
            }
        }
    }

    fn frame_cursor(&self) -> Option<(u16, u16)> {
        let window = if self.ui().has_dialog() {
            // The newest dialog's window is the topmost one that shows a dialog.
            self.win().list().into_iter().rev().find(|window| window.visible && window.role == "dialog")?
        } else {
            self.win().focused()?
        };
        let (row, col) = window.pinned.or(window.cursor)?;
        let inner = window.inner();
        let inside = window.visible && row < inner.height && col < inner.width;
        inside.then(|| (inner.y + row, inner.x + col))
    }

    /// Answers the height a window would like at a width, border included.
    pub(crate) fn measure_window(&self, name: &str, width: u16) -> Option<u16> {
        let (window, stock) = {
            let slots = self.0.windows.slots.borrow();
            let slot = slots.get(name)?;
            (slot.state.clone(), slot.stock.clone())
        };
        let (columns, rows) = window.edge();
        let width = width.saturating_sub(columns);
        let drawers = self.win().drawers(name);
        let active = drawers.into_iter().rev().find(|drawer| !self.guard().is_suspended(drawer.owner));
        let by_extension = active.and_then(|drawer| Some((drawer.owner, drawer.renderer?)));
        let by_extension = by_extension.and_then(|(owner, renderer)| {
            let what = format!("measuring `{name}`");
            // The guard has recorded a failure.
            let measured = self
                .guard()
                .stretch(owner, DeadlineClass::Render, &what, || Ok(renderer.measure(self, &window, width)));
            measured.unwrap_or_default()
        });
        let stock = self.win().stock_renderer(&window, stock);
        let height = by_extension.or_else(|| stock.measure(self, &window, width))?;
        Some(height.saturating_add(rows))
    }

    /// Answers the cells of the widest line of what a window shows, as far as it is looked at.
    pub(crate) fn content_width(&self, window: &Window) -> u16 {
        let Some(buffer) = self.buf().get(&window.buffer) else { return 0 };
        let widths = buffer.rope.lines().take(1_000).map(|line| {
            let line = line.get_slice(..line.len_chars().min(1_000)).unwrap_or(line).to_string();
            crate::text::width(line.trim_end_matches(['\n', '\r']))
        });
        let title = crate::text::line_width(&window.title) + 6;
        let widest = widths.max().unwrap_or(0).max(if window.title.is_empty() { 0 } else { title });
        widest.min(usize::from(u16::MAX)) as u16
    }
}
