//! The transcript: windows on the blocks of a session, read from the end or from where the person has scrolled to.
//!
//! A frame looks only at the blocks that it shows. While a window follows the end it is filled from the last block
//! upwards; once scrolled, the first shown line is the anchor, so that what arrives below moves nothing. Each window on
//! the buffer scrolls for itself ([`view`]); folding, selection and search belong to the transcript.

pub mod cache;
pub mod look;
pub mod plain;
pub mod search;
pub mod select;

mod marks;
mod reading;
mod view;

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
};

use purlin_kernel::{HandlerError, Kernel, RenderContext, Renderer, text::Line};

use crate::syntax::Syntax;
pub(crate) use reading::Reading;
use search::Search;
use select::Selection;
use view::View;

/// The name of the transcript's window and buffer.
pub const TRANSCRIPT: &str = "transcript";

/// A scroll step of at least this many rows goes to the beginning without laying out what lies between.
pub const FAR: usize = 1 << 24;

/// A line of a block, and a column of it, in cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Spot {
    /// Which block, counted from the first.
    pub block: usize,
    /// Which of its laid-out lines.
    pub line: usize,
    /// Which cell of that line.
    pub col: usize,
}

/// Draws the transcript.
pub struct Transcript {
    views: RefCell<BTreeMap<String, Rc<View>>>,
    pub(crate) shared: Shared,
}

/// What all windows on the transcript have in common.
#[derive(Default)]
pub(crate) struct Shared {
    unfolded: RefCell<BTreeSet<String>>,
    all_unfolded: Cell<bool>,
    welcome: RefCell<Vec<Line>>,
    pub(crate) selection: RefCell<Option<Selection>>,
    pub(crate) search: RefCell<Option<Search>>,
    syntax: RefCell<Option<Rc<Syntax>>>,
}

impl Shared {
    fn is_unfolded(&self, id: &str) -> bool {
        self.all_unfolded.get() != self.unfolded.borrow().contains(id)
    }
}

impl Transcript {
    /// Answers a renderer that shows `welcome` while there is nothing else.
    pub fn new(welcome: Vec<Line>) -> Transcript {
        let shared = Shared { welcome: RefCell::new(welcome), ..Shared::default() };
        Transcript { views: RefCell::default(), shared }
    }

    /// Changes what is shown while there is nothing else.
    pub fn set_welcome(&self, welcome: Vec<Line>) {
        *self.shared.welcome.borrow_mut() = welcome;
    }

    /// Says who highlights code.
    pub fn set_syntax(&self, syntax: Rc<Syntax>) {
        *self.shared.syntax.borrow_mut() = Some(syntax);
    }

    /// Has the blocks laid out anew whose code had not been highlighted yet.
    pub fn highlighted(&self) {
        for view in self.views.borrow().values() {
            view.cache.borrow_mut().drop_unfinished();
        }
    }

    /// Folds everything, or unfolds it.
    pub fn toggle_fold(&self) {
        self.shared.all_unfolded.set(!self.shared.all_unfolded.get());
        self.shared.unfolded.borrow_mut().clear();
        *self.shared.selection.borrow_mut() = None;
    }

    /// Folds or unfolds one block.
    pub fn toggle_block(&self, id: &str) {
        let mut unfolded = self.shared.unfolded.borrow_mut();
        if !unfolded.remove(id) {
            unfolded.insert(id.to_owned());
        }
        *self.shared.selection.borrow_mut() = None;
    }

    /// Tells whether a window follows the end.
    pub fn is_following(&self, window: &str) -> bool {
        self.view(window).top.get().is_none()
    }

    fn view(&self, window: &str) -> Rc<View> {
        let mut views = self.views.borrow_mut();
        if let Some(view) = views.get(window) {
            return Rc::clone(view);
        }
        let view = Rc::new(View::default());
        views.insert(window.to_owned(), Rc::clone(&view));
        view
    }

    /// Forgets the windows that are gone.
    fn tidy(&self, kernel: &Kernel) {
        let mut views = self.views.borrow_mut();
        if views.len() > 1 {
            views.retain(|name, _| kernel.win().get(name).is_some());
        }
    }

    /// Reads the transcript as a window shows it; nothing where it has not been drawn.
    pub(crate) fn read<T>(
        &self,
        kernel: &Kernel,
        window: &str,
        f: impl FnOnce(&Reading<'_>) -> T,
    ) -> Option<T> {
        let view = self.view(window);
        let shown = kernel.win().get(window)?;
        let drawn = view.width.get();
        let width = if drawn > 0 { drawn } else { usize::from(shown.inner().width) };
        if width == 0 {
            return None;
        }
        let reading = Reading::new(kernel, &shown.buffer, &view, &self.shared, width);
        Some(f(&reading))
    }

    /// Answers what stands at a row and column of a window; beside a line, the nearest place of it.
    pub fn spot(&self, window: &str, row: usize, col: usize) -> Option<Spot> {
        self.view(window).spot(row, col)
    }

    /// Answers the lowest block that a window shows.
    pub(crate) fn lowest(&self, window: &str) -> Option<usize> {
        self.view(window).lowest()
    }

    /// Scrolls a window so that a line of a block can be seen, with some lines above it.
    pub(crate) fn show(&self, kernel: &Kernel, window: &str, spot: Spot) {
        let view = self.view(window);
        let height = kernel.win().get(window).map_or(1, |shown| usize::from(shown.inner().height));
        if view.is_shown(spot, height) {
            return;
        }
        self.read(kernel, window, |reading| view.go(reading, spot, height));
        kernel.win().mark_dirty(window);
    }
}

impl Renderer for Transcript {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        self.tidy(cx.kernel);
        self.view(&cx.window.name).render(cx, &self.shared);
        Ok(())
    }
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcript").finish_non_exhaustive()
    }
}
