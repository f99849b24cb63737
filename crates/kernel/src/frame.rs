//! Frames: layout, the dirty windows' renderers, and the rows they damaged put together on one grid.

use std::cell::{Cell, Ref, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use serde_json::json;

use crate::grid::{Atlas, Canvas, Grid};
use crate::guard::DeadlineClass;
use crate::hooks::Object;
use crate::hooks::terminal::{Render, Resize, Startup};
use crate::layout::Rect;
use crate::window::{Drawer, Placement};
use crate::{ExtId, Kernel, RenderContext, Renderer, Window};

#[derive(Default)]
pub(crate) struct FrameState {
    grid: RefCell<Grid>,
    atlas: RefCell<Atlas>,
    damaged: RefCell<Vec<bool>>,
    number: Cell<u64>,
    started: Cell<bool>,
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
}

impl Frame<'_> {
    /// Tells whether a row was put together anew by this frame.
    pub fn is_damaged(&self, row: u16) -> bool {
        self.damaged.get(usize::from(row)).copied().unwrap_or(false)
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
            damaged.clear();
            damaged.resize(usize::from(height), resized);
        }
        if self.needs_frame() || resized {
            self.announce_frame(width, height);
            self.tidy_atlas();
            self.0.windows.any_dirty.set(false);
            self.0.layout.dirty.set(false);
            self.place_windows(width, height);
            self.draw_windows();
            self.compose();
            self.drop_ephemeral_marks();
        }
        let damaged = self.0.frames.damaged.borrow();
        let changed = damaged.iter().any(|row| *row);
        Frame { grid: self.0.frames.grid.borrow(), cursor: self.frame_cursor(), changed, damaged }
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
        let screen = Rect::new(0, 0, width, height);
        let solved = self.layout().solve(width, height);
        let mut moved = self.0.windows.vacated.take();
        for slot in self.0.windows.slots.borrow_mut().values_mut() {
            let rect = match slot.state.placement {
                Placement::Float(rect) => rect.intersect(&screen),
                Placement::Tree => solved
                    .iter()
                    .find(|(name, _)| *name == slot.state.name)
                    .map(|(_, rect)| *rect)
                    .unwrap_or_default(),
            };
            let rect = if slot.state.visible { rect } else { Rect::default() };
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
        let mut damaged = self.0.frames.damaged.borrow_mut();
        let from = usize::from(rect.y).min(damaged.len());
        let to = (from + usize::from(rect.height)).min(damaged.len());
        damaged[from..to].fill(true);
    }

    fn draw_windows(&self) {
        for window in self.win().list() {
            let work = {
                let mut slots = self.0.windows.slots.borrow_mut();
                let Some(slot) = slots.get_mut(&window.name).filter(|slot| slot.dirty) else { continue };
                slot.dirty = false;
                if window.rect.is_empty() {
                    slot.surface = None;
                    continue;
                }
                (slot.stock.clone(), slot.drawers.clone(), slot.surface.take())
            };
            let (stock, drawers, surface) = work;
            let (surface, cursor) = self.draw(&window, stock, &drawers, surface);
            if let Some(slot) = self.0.windows.slots.borrow_mut().get_mut(&window.name) {
                slot.surface = Some(surface);
                if slot.state.cursor != cursor {
                    Rc::make_mut(&mut slot.state).cursor = cursor;
                }
            }
            self.damage(window.rect);
        }
    }

    /// Draws one window: the newest extension renderer that does not fail, else the stock one.
    fn draw(
        &self,
        window: &Rc<Window>,
        stock: Option<Rc<dyn Renderer>>,
        drawers: &[Drawer],
        surface: Option<Grid>,
    ) -> (Grid, Option<(u16, u16)>) {
        let mut surface = surface
            .filter(|grid| grid.width() == window.rect.width && grid.height() == window.rect.height)
            .unwrap_or_else(|| Grid::new(window.rect.width, window.rect.height));
        for (at, drawer) in drawers.iter().enumerate().rev() {
            if self.guard().is_suspended(drawer.owner) {
                continue;
            }
            let previous = drawer.wrap.then(|| self.draw(window, stock.clone(), &drawers[..at], None).0);
            let what = format!("renderer of `{}`", window.name);
            let drawn = self.guard().stretch(drawer.owner, DeadlineClass::Render, &what, || {
                self.draw_with(&*drawer.renderer, window, &mut surface, previous.as_ref())
            });
            if let Ok(cursor) = drawn {
                return (surface, cursor);
            }
        }
        let cursor = stock.and_then(|renderer| {
            let what = format!("stock renderer of `{}`", window.name);
            // The guard has recorded a failure; the window then shows what was drawn until it failed.
            self.guard()
                .stretch(ExtId::CORE, DeadlineClass::Render, &what, || {
                    self.draw_with(&*renderer, window, &mut surface, None)
                })
                .unwrap_or_default()
        });
        (surface, cursor)
    }

    fn draw_with(
        &self,
        renderer: &dyn Renderer,
        window: &Rc<Window>,
        surface: &mut Grid,
        previous: Option<&Grid>,
    ) -> Result<Option<(u16, u16)>, crate::HandlerError> {
        surface.reset(window.rect.width, window.rect.height);
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
        }
    }

    /// Puts the damaged rows together from all windows, lowest first.
    fn compose(&self) {
        let windows = self.win().list();
        let mut grid = self.0.frames.grid.borrow_mut();
        let damaged = self.0.frames.damaged.borrow();
        for (row, _) in damaged.iter().enumerate().filter(|(_, damaged)| **damaged) {
            grid.clear_row(row as u16);
        }
        let slots = self.0.windows.slots.borrow();
        for window in windows.iter().filter(|window| window.visible) {
            let Some(surface) = slots.get(&window.name).and_then(|slot| slot.surface.as_ref()) else {
                continue;
            };
            let rect = window.rect;
            for row in 0..surface.height().min(rect.height) {
                let at = rect.y + row;
                if damaged.get(usize::from(at)).copied().unwrap_or(false) {
                    grid.overlay(
                        at,
                        rect.x,
                        &surface.row(row)[..usize::from(rect.width.min(surface.width()))],
                    );
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
        let (row, col) = window.cursor?;
        let inside = window.visible && row < window.rect.height && col < window.rect.width;
        inside.then(|| (window.rect.y + row, window.rect.x + col))
    }

    /// Answers the height a window's renderer would like at a width.
    pub(crate) fn measure_window(&self, name: &str, width: u16) -> Option<u16> {
        let (window, stock, drawer) = {
            let slots = self.0.windows.slots.borrow();
            let slot = slots.get(name)?;
            (slot.state.clone(), slot.stock.clone(), slot.drawers.last().cloned())
        };
        let by_extension =
            drawer.filter(|drawer| !self.guard().is_suspended(drawer.owner)).and_then(|drawer| {
                let what = format!("measuring `{name}`");
                // The guard has recorded a failure.
                let measured = self.guard().stretch(drawer.owner, DeadlineClass::Render, &what, || {
                    Ok(drawer.renderer.measure(self, &window, width))
                });
                measured.unwrap_or_default()
            });
        by_extension.or_else(|| stock?.measure(self, &window, width))
    }
}
