//! Layout: a tree of rows and columns that gives each window its rectangle.

mod effective;
mod solve;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::window::DockSide;
use crate::{HandlerError, Kernel};

/// A rectangle in terminal cells, from the screen's top left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Rect {
    /// Columns from the left.
    pub x: u16,
    /// Rows from the top.
    pub y: u16,
    /// Columns.
    pub width: u16,
    /// Rows.
    pub height: u16,
}

impl Rect {
    /// Makes a rectangle.
    pub const fn new(x: u16, y: u16, width: u16, height: u16) -> Self {
        Self { x, y, width, height }
    }

    /// Tells whether it has no cell.
    pub fn is_empty(&self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// Tells whether a place on the screen is inside.
    pub fn contains(&self, row: u16, col: u16) -> bool {
        let right = u32::from(self.x) + u32::from(self.width);
        let bottom = u32::from(self.y) + u32::from(self.height);
        row >= self.y && col >= self.x && u32::from(row) < bottom && u32::from(col) < right
    }

    /// Answers what both have in common; nothing in common is the empty rectangle at the top left.
    #[must_use]
    pub fn intersect(&self, other: &Self) -> Self {
        let end = |at: u16, length: u16| u32::from(at) + u32::from(length);
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        let right = end(self.x, self.width).min(end(other.x, other.width));
        let bottom = end(self.y, self.height).min(end(other.y, other.height));
        let width = right.saturating_sub(u32::from(x)) as u16;
        let height = bottom.saturating_sub(u32::from(y)) as u16;
        if width == 0 || height == 0 {
            return Self::default();
        }
        Self { x, y, width, height }
    }
}

/// How a node lines its children up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dir {
    /// Side by side.
    Row,
    /// One below the other.
    #[default]
    Col,
}

/// One node of the layout tree: a window, or children in a direction.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LayoutNode {
    /// How the children are lined up.
    pub dir: Dir,
    /// The children.
    pub children: Vec<LayoutNode>,
    /// The window; a leaf without one is a gap.
    pub win: Option<String>,
    /// Its share of the room that is left; 0 = none.
    pub grow: u16,
    /// The least length along the parent's direction, in cells.
    pub min: u16,
    /// The greatest length; absent = no bound.
    pub max: Option<u16>,
    /// The exact length.
    pub size: Option<u16>,
    /// The exact length in hundredths of the parent's.
    pub percent: Option<u16>,
    /// Stands for the windows of this edge, one below the other.
    pub dock: Option<DockSide>,
}

impl LayoutNode {
    /// Makes a leaf that is as long as its renderer asks.
    pub fn win(name: impl Into<String>) -> Self {
        Self { win: Some(name.into()), ..Self::default() }
    }

    /// Makes a place for the windows of an edge.
    pub fn dock(side: DockSide) -> Self {
        Self { dock: Some(side), ..Self::default() }
    }

    /// Makes a node whose children stand one below the other.
    pub fn col(children: Vec<Self>) -> Self {
        Self { dir: Dir::Col, children, ..Self::default() }
    }

    /// Makes a node whose children stand side by side.
    pub fn row(children: Vec<Self>) -> Self {
        Self { dir: Dir::Row, children, ..Self::default() }
    }

    /// Gives it a share of the room that is left.
    #[must_use]
    pub fn grow(mut self, grow: u16) -> Self {
        self.grow = grow;
        self
    }

    /// Bounds its length from below.
    #[must_use]
    pub fn min(mut self, min: u16) -> Self {
        self.min = min;
        self
    }

    /// Bounds its length from above.
    #[must_use]
    pub fn max(mut self, max: u16) -> Self {
        self.max = Some(max);
        self
    }

    /// Fixes its length.
    #[must_use]
    pub fn size(mut self, size: u16) -> Self {
        self.size = Some(size);
        self
    }
}

/// A rectangle of which only some fields are fixed; the others stay as they are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PartialRect {
    /// Columns from the left.
    pub x: Option<u16>,
    /// Rows from the top.
    pub y: Option<u16>,
    /// Columns.
    pub width: Option<u16>,
    /// Rows.
    pub height: Option<u16>,
}

impl PartialRect {
    /// Answers a computed rectangle with what is fixed.
    pub fn over(self, rect: Rect) -> Rect {
        Rect {
            x: self.x.unwrap_or(rect.x),
            y: self.y.unwrap_or(rect.y),
            width: self.width.unwrap_or(rect.width),
            height: self.height.unwrap_or(rect.height),
        }
    }
}

type Rects = BTreeMap<String, PartialRect>;

#[derive(Default)]
pub(crate) struct LayoutState {
    tree: RefCell<Rc<LayoutNode>>,
    /// Fixed rectangles by window.
    rects: RefCell<Rc<Rects>>,
    stock: RefCell<Rc<LayoutNode>>,
    pub(crate) size: Cell<(u16, u16)>,
    pub(crate) dirty: Cell<bool>,
}

/// Reads and changes the layout; made by [`Kernel::layout`].
#[derive(Clone, Copy, Debug)]
pub struct Layout<'k>(pub(crate) &'k Kernel);

impl Layout<'_> {
    /// Answers the tree in force.
    pub fn get(self) -> Rc<LayoutNode> {
        self.0.0.layout.tree.borrow().clone()
    }

    /// Puts another tree in force.
    pub fn set_tree(self, tree: LayoutNode) {
        self.replace(Rc::new(tree));
    }

    /// Sets the tree that [`Layout::reset`] returns to, and puts it in force.
    pub fn set_stock(self, tree: LayoutNode) {
        let tree = Rc::new(tree);
        *self.0.0.layout.stock.borrow_mut() = tree.clone();
        self.replace(tree);
    }

    /// Returns to the stock tree and lets go of fixed rectangles.
    pub fn reset(self) {
        let stock = self.0.0.layout.stock.borrow().clone();
        self.replace(stock);
        self.replace_rects(Rc::default());
    }

    /// Fixes rectangles of windows, or fields of them; what is fixed of a window replaces what was.
    ///
    /// It is an error, and nothing changes, when a window is not there or would not lie on the screen as it is.
    pub fn set_rects(self, rects: &[(String, PartialRect)]) -> Result<(), HandlerError> {
        let (width, height) = self.size();
        let screen = Rect::new(0, 0, width, height);
        let mut all = (**self.0.0.layout.rects.borrow()).clone();
        for (name, rect) in rects {
            let Some(window) = self.0.win().get(name) else {
                return Err(HandlerError::new(format!("there is no window `{name}`")));
            };
            let over = rect.over(window.rect);
            let fixed = *rect != PartialRect::default();
            if fixed && !screen.is_empty() && screen.intersect(&over) != over {
                return Err(HandlerError::new(format!(
                    "`{name}` would stand at column {}, row {} with {}×{} cells; the screen has {width}×{height}",
                    over.x, over.y, over.width, over.height
                )));
            }
            if fixed {
                all.insert(name.clone(), *rect);
            } else {
                all.remove(name);
            }
        }
        self.replace_rects(Rc::new(all));
        Ok(())
    }

    /// Answers what is fixed, by window.
    pub fn rects(self) -> Vec<(String, PartialRect)> {
        self.0.0.layout.rects.borrow().iter().map(|(name, rect)| (name.clone(), *rect)).collect()
    }

    pub(crate) fn fixed(self, name: &str) -> Option<PartialRect> {
        self.0.0.layout.rects.borrow().get(name).copied()
    }

    fn replace_rects(self, rects: Rc<Rects>) {
        let before = self.0.0.layout.rects.replace(rects);
        self.0.on_rollback(move |kernel| {
            *kernel.0.layout.rects.borrow_mut() = before;
            kernel.layout().changed();
        });
        self.changed();
    }

    fn replace(self, tree: Rc<LayoutNode>) {
        let before = self.0.0.layout.tree.replace(tree);
        self.0.on_rollback(move |kernel| {
            *kernel.0.layout.tree.borrow_mut() = before;
            kernel.layout().changed();
        });
        self.changed();
    }

    /// Answers the size of the screen in columns and rows.
    pub fn size(self) -> (u16, u16) {
        self.0.0.layout.size.get()
    }

    /// Has the rectangles computed again with the next frame.
    pub(crate) fn changed(self) {
        self.0.0.layout.dirty.set(true);
        self.0.wake();
    }
}

impl Kernel {
    /// Reads and changes the layout.
    pub fn layout(&self) -> Layout<'_> {
        Layout(self)
    }
}
