//! Windows: views on buffers, with a place on the screen and somebody who draws them.

mod draw;
mod focus;
mod hide;
mod place;
mod render;
mod text_view;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::Value;

pub use draw::DrawOp;
pub use place::{Anchor, Anchored, Border, Dock, DockSide, Length, Placement, Side, Split};
pub use render::{RenderContext, Renderer};
pub use text_view::TextView;

use crate::buffer::json_bytes;
use crate::grid::Grid;
use crate::hooks::Object;
use crate::layout::{Dir, Rect};
use crate::text::Line;
use crate::{ErrorKind, ExtId, Handle, HandlerError, Kernel, RegId};

/// How far a window is scrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scroll {
    /// Rows between what is shown and where it would be shown unscrolled.
    pub offset: usize,
    /// Whether the window follows the end of its content.
    pub follow: bool,
}

/// Who draws a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ownership {
    /// The stock renderer.
    #[default]
    Stock,
    /// The stock renderer, with an extension's drawing on top.
    Overlay,
    /// An extension's renderer.
    Owned,
    /// An extension's renderer that is given what the stock one drew.
    Wrapped,
}

/// One window as it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub role: String,
    /// The buffer it shows.
    pub buffer: String,
    /// Where it was at the last frame.
    pub rect: Rect,
    /// Where that comes from.
    pub placement: Placement,
    /// The line around it, inside its rectangle.
    pub border: Border,
    /// What stands on the upper side of that line.
    pub title: Line,
    /// Row and column of its cursor, as its renderer set it.
    pub cursor: Option<(u16, u16)>,
    /// Row and column of its cursor where somebody has fixed it.
    pub pinned: Option<(u16, u16)>,
    /// How far it is scrolled.
    pub scroll: Scroll,
    /// Whether it is shown.
    pub visible: bool,
    /// Whether it can have the focus.
    pub focusable: bool,
    /// Higher is drawn over lower.
    pub zindex: i32,
    /// What extensions attach to it.
    pub metadata: Rc<Object>,
    /// Its variables.
    pub vars: Rc<BTreeMap<String, Value>>,
    /// Who draws it.
    pub ownership: Ownership,
    /// Its own cursor in its buffer, in code points, while another window on the buffer has the buffer's.
    pub point: usize,
}

impl Window {
    /// Describes a window on a buffer: focusable, visible, placed by the layout tree.
    pub fn new(name: impl Into<String>, role: impl Into<String>, buffer: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            role: role.into(),
            buffer: buffer.into(),
            rect: Rect::default(),
            placement: Placement::Tree,
            border: Border::None,
            title: Line::new(),
            cursor: None,
            pinned: None,
            scroll: Scroll { offset: 0, follow: true },
            visible: true,
            focusable: true,
            zindex: 0,
            metadata: Rc::default(),
            vars: Rc::default(),
            ownership: Ownership::Stock,
            point: 0,
        }
    }

    /// Describes a window that floats over the others.
    pub fn float(
        name: impl Into<String>,
        role: impl Into<String>,
        buffer: impl Into<String>,
        rect: Rect,
    ) -> Self {
        Self { placement: Placement::Float(rect), zindex: 100, ..Self::new(name, role, buffer) }
    }

    /// Answers its rectangle without the border.
    pub fn inner(&self) -> Rect {
        let Some(line) = self.line() else { return self.border.inside(self.rect) };
        let Rect { x, y, width, height } = self.rect;
        let (first, upright) = ((line.x, line.y) == (x, y), line.width < width);
        match (upright, first) {
            (true, true) => Rect::new(x + 1, y, width - 1, height),
            (true, false) => Rect::new(x, y, width - 1, height),
            (false, true) => Rect::new(x, y + 1, width, height - 1),
            (false, false) => Rect::new(x, y, width, height - 1),
        }
    }

    /// Answers the cells between it and the window it splits, of [`Border::Line`]; nothing where there is too little room.
    pub(crate) fn line(&self) -> Option<Rect> {
        let Placement::Split(split) = &self.placement else { return None };
        let Rect { x, y, width, height } = self.rect;
        let (least_width, least_height) = if split.side.dir() == Dir::Row { (3, 1) } else { (1, 2) };
        if self.border != Border::Line || width < least_width || height < least_height {
            return None;
        }
        Some(match split.side {
            Side::Left => Rect::new(x + width - 1, y, 1, height),
            Side::Right => Rect::new(x, y, 1, height),
            Side::Above => Rect::new(x, y + height - 1, width, 1),
            Side::Below => Rect::new(x, y, width, 1),
        })
    }

    /// Answers the columns and rows that its border takes.
    pub(crate) fn edge(&self) -> (u16, u16) {
        match (self.border, &self.placement) {
            (Border::Line, Placement::Split(split)) => match split.side.dir() {
                Dir::Row => (1, 0),
                Dir::Col => (0, 1),
            },
            (Border::None | Border::Line, _) => (0, 0),
            _ => (2, 2),
        }
    }
}

/// Somebody who draws a window instead of its stock renderer.
#[derive(Clone)]
pub(crate) struct Drawer {
    pub(crate) id: RegId,
    pub(crate) owner: ExtId,
    /// Absent: nothing shows but what is drawn from outside.
    pub(crate) renderer: Option<Rc<dyn Renderer>>,
    pub(crate) wrap: bool,
}

pub(crate) struct Slot {
    pub(crate) owner: ExtId,
    pub(crate) seq: RegId,
    pub(crate) state: Rc<Window>,
    /// How a built-in window was created, for `reset`.
    original: Rc<Window>,
    pub(crate) stock: Option<Rc<dyn Renderer>>,
    pub(crate) dirty: bool,
    /// Whether what was drawn from outside goes as well.
    pub(crate) wiped: bool,
    /// What was drawn last; kept until the window is drawn again.
    pub(crate) surface: Option<Grid>,
    /// The line around it, where it has one.
    pub(crate) edge: Option<Grid>,
    /// The stretch that has already remembered it.
    touched: Cell<u64>,
}

/// Bytes that variables, metadata and title of one window take at most.
const MOST_KEPT: usize = 256 << 10;

impl Window {
    fn kept(&self) -> usize {
        let of = |key: &String, value: &Value| key.len() + json_bytes(value);
        let vars: usize = self.vars.iter().map(|(key, value)| of(key, value)).sum();
        let metadata: usize = self.metadata.iter().map(|(key, value)| of(key, value)).sum();
        vars + metadata + self.title.iter().map(|span| span.text.len() + 64).sum::<usize>()
    }

    fn keeps_as(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.vars, &other.vars)
            && Rc::ptr_eq(&self.metadata, &other.metadata)
            && self.title == other.title
    }
}

#[derive(Default)]
pub(crate) struct WindowTable {
    pub(crate) slots: RefCell<BTreeMap<String, Slot>>,
    /// Who draws which window, the newest last; also for windows that do not exist yet.
    drawers: RefCell<BTreeMap<String, Vec<Drawer>>>,
    /// What was drawn from outside and waits for the next frame.
    pub(crate) queue: draw::Queue,
    /// Draws windows on a buffer that have no stock renderer of their own.
    by_buffer: RefCell<BTreeMap<String, Rc<dyn Renderer>>>,
    /// Draws what is left.
    text_view: Rc<TextView>,
    focused: RefCell<Option<String>>,
    pub(crate) any_dirty: Cell<bool>,
    /// Those of a generation whose successor is being loaded, which does not see them.
    hidden: RefCell<BTreeMap<String, Slot>>,
    /// Where windows were that are gone.
    pub(crate) vacated: RefCell<Vec<Rect>>,
}

/// Creates, finds and changes windows; made by [`Kernel::win`].
#[derive(Clone, Copy, Debug)]
pub struct Windows<'k>(pub(crate) &'k Kernel);

impl Windows<'_> {
    /// Lists the windows in draw order: z-index, then creation.
    pub fn list(self) -> Vec<Rc<Window>> {
        let slots = self.0.0.windows.slots.borrow();
        let mut list: Vec<_> =
            slots.values().map(|slot| (slot.state.zindex, slot.seq, slot.state.clone())).collect();
        list.sort_by_key(|(zindex, seq, _)| (*zindex, *seq));
        list.into_iter().map(|(.., window)| window).collect()
    }

    /// Answers a window as it stands.
    pub fn get(self, name: &str) -> Option<Rc<Window>> {
        self.0.0.windows.slots.borrow().get(name).map(|slot| slot.state.clone())
    }

    /// Finds the first window in draw order that has all the given properties.
    pub fn find(self, name: Option<&str>, role: Option<&str>, buffer: Option<&str>) -> Option<Rc<Window>> {
        let fits = |wanted: Option<&str>, found: &str| wanted.is_none_or(|wanted| wanted == found);
        self.list()
            .into_iter()
            .find(|w| fits(name, &w.name) && fits(role, &w.role) && fits(buffer, &w.buffer))
    }

    /// Lists the windows in the order of their creation.
    pub(crate) fn by_age(self) -> Vec<Rc<Window>> {
        let slots = self.0.0.windows.slots.borrow();
        let mut list: Vec<_> = slots.values().map(|slot| (slot.seq, slot.state.clone())).collect();
        list.sort_by_key(|(seq, _)| *seq);
        list.into_iter().map(|(_, window)| window).collect()
    }

    /// Creates a window; a name that is taken is an error. Deleting the handle deletes it.
    pub fn create(self, owner: ExtId, window: Window) -> Result<Handle, HandlerError> {
        if matches!(&window.placement, Placement::Split(split) if self.get(&split.of).is_none()) {
            return Err(HandlerError::new(format!("`{}` splits a window that is not there", window.name)));
        }
        if self.get(&window.name).is_some() {
            return Err(HandlerError::new(format!("there is already a window `{}`", window.name)));
        }
        self.0.check_quota(owner, "window", "windows", self.0.guard().limits().quotas.windows)?;
        let id = self.0.next_reg();
        let name = window.name.clone();
        let label = name.clone();
        let point = self.0.buf().cursor(&window.buffer);
        let state = Rc::new(Window { point, ..window });
        let kept: Rc<RefCell<Option<Slot>>> = Rc::default();
        let restore = kept.clone();
        let handle = self.0.register(
            id,
            owner,
            "window",
            label,
            move |kernel| {
                let slot = restore.take().unwrap_or_else(|| Slot {
                    owner,
                    seq: id,
                    state: state.clone(),
                    original: state.clone(),
                    stock: None,
                    dirty: true,
                    wiped: false,
                    surface: None,
                    edge: None,
                    touched: Cell::new(0),
                });
                let name = slot.state.name.clone();
                kernel.0.windows.slots.borrow_mut().insert(name.clone(), slot);
                kernel.win().ownership_changed(&name);
                kernel.layout().changed();
            },
            move |kernel| {
                let slot = kernel.0.windows.slots.borrow_mut().remove(&name);
                kernel.0.windows.vacated.borrow_mut().extend(slot.as_ref().map(|slot| slot.state.rect));
                *kept.borrow_mut() = slot;
                kernel.win().leave(&name);
                kernel.layout().changed();
            },
        );
        Ok(handle)
    }

    /// Creates a window and, with `enter`, gives it the focus.
    pub fn open(self, owner: ExtId, window: Window, enter: bool) -> Result<Handle, HandlerError> {
        let name = window.name.clone();
        let handle = self.create(owner, window)?;
        if enter {
            self.focus(&name);
        }
        Ok(handle)
    }

    /// Changes a window's fields; false when there is no such window.
    pub fn set(self, name: &str, change: impl FnOnce(&mut Window)) -> bool {
        let placed = {
            let mut slots = self.0.0.windows.slots.borrow_mut();
            let Some(slot) = slots.get_mut(name) else { return false };
            let before = slot.state.clone();
            let window = Rc::make_mut(&mut slot.state);
            change(window);
            window.name.clone_from(&before.name);
            if *slot.state == *before {
                // A renderer that states what already holds must not ask for another frame.
                return true;
            }
            if !slot.state.keeps_as(&before) && slot.state.kept() > MOST_KEPT {
                slot.state = before;
                let text =
                    format!("variables, metadata and title of window `{name}` would take more than 256 KiB");
                self.0.guard().doom(HandlerError::of(ErrorKind::Memory, text));
                return false;
            }
            slot.dirty = true;
            let first = self.0.first_touch(&slot.touched);
            let placed = before.placement != slot.state.placement
                || before.visible != slot.state.visible
                || before.border != slot.state.border
                || before.zindex != slot.state.zindex;
            drop(slots);
            let name = name.to_owned();
            if first {
                self.0.on_rollback(move |kernel| {
                    if let Some(slot) = kernel.0.windows.slots.borrow_mut().get_mut(&name) {
                        slot.state = before;
                        slot.dirty = true;
                        slot.touched.set(0);
                    }
                    kernel.layout().changed();
                });
            }
            placed
        };
        if placed {
            if !self.get(name).is_some_and(|window| window.visible) {
                self.leave(name);
            }
            self.0.layout().changed();
        }
        self.0.0.windows.any_dirty.set(true);
        self.0.wake();
        true
    }

    /// Deletes a window of an extension; a built-in one is hidden until it is reset.
    pub fn delete(self, name: &str) -> bool {
        let Some(owner) = self.0.0.windows.slots.borrow().get(name).map(|slot| slot.owner) else {
            return false;
        };
        match self.0.find_registration(owner, "window", name) {
            Some(id) if owner != ExtId::CORE => {
                self.0.unregister(id);
                true
            }
            _ => {
                let hidden = self.set(name, |window| window.visible = false);
                self.leave(name);
                hidden
            }
        }
    }

    /// Gives a window back the fields it was created with.
    pub fn reset(self, name: &str) -> bool {
        let Some(original) = self.0.0.windows.slots.borrow().get(name).map(|slot| slot.original.clone())
        else {
            return false;
        };
        let reset = self.set(name, |window| *window = Window { rect: window.rect, ..(*original).clone() });
        self.0.layout().changed();
        reset
    }

    /// Scrolls a window.
    pub fn scroll(self, name: &str, change: impl FnOnce(&mut Scroll)) -> bool {
        self.set(name, |window| change(&mut window.scroll))
    }

    /// Sets who draws a window when no extension does.
    pub fn set_stock_renderer(self, name: &str, renderer: Rc<dyn Renderer>) -> bool {
        {
            let mut slots = self.0.0.windows.slots.borrow_mut();
            let Some(slot) = slots.get_mut(name) else { return false };
            slot.stock = Some(renderer);
        }
        self.mark_dirty(name);
        true
    }

    /// Sets who draws the windows on a buffer that have no stock renderer of their own.
    pub fn set_buffer_renderer(self, buffer: &str, renderer: Rc<dyn Renderer>) {
        self.0.0.windows.by_buffer.borrow_mut().insert(buffer.to_owned(), renderer);
        self.buffer_changed(buffer);
    }

    /// Answers who draws a window when no extension does, given the stock renderer it was set, if any.
    pub(crate) fn stock_renderer(self, window: &Window, own: Option<Rc<dyn Renderer>>) -> Rc<dyn Renderer> {
        let table = &self.0.0.windows;
        own.or_else(|| table.by_buffer.borrow().get(&window.buffer).cloned())
            .unwrap_or_else(|| table.text_view.clone())
    }

    /// Lets an extension draw a window, the newest before the others; with `wrap` it is given what would have
    /// been drawn. The window may come later.
    pub fn render(self, owner: ExtId, name: &str, renderer: Rc<dyn Renderer>, wrap: bool) -> Handle {
        self.add_drawer(owner, name, Some(renderer), wrap)
    }

    /// Lets an extension own a window without a renderer: it shows what is drawn on it and nothing else. With `owns`
    /// false, all that this extension draws the window with is taken away.
    pub fn set_owner_renderer(self, owner: ExtId, name: &str, owns: bool) -> Result<(), HandlerError> {
        if self.get(name).is_none() {
            return Err(HandlerError::new(format!("there is no window `{name}`")));
        }
        let own: Vec<RegId> = self.drawers(name).iter().filter(|d| d.owner == owner).map(|d| d.id).collect();
        if owns && own.is_empty() {
            self.add_drawer(owner, name, None, false);
        } else if !owns {
            for id in own {
                self.0.unregister(id);
            }
        }
        Ok(())
    }

    fn add_drawer(self, owner: ExtId, name: &str, renderer: Option<Rc<dyn Renderer>>, wrap: bool) -> Handle {
        let id = self.0.next_reg();
        let (linked, unlinked) = (name.to_owned(), name.to_owned());
        self.0.register(
            id,
            owner,
            "renderer",
            name,
            move |kernel| {
                {
                    let mut drawers = kernel.0.windows.drawers.borrow_mut();
                    let list = drawers.entry(linked.clone()).or_default();
                    let drawer = Drawer { id, owner, renderer: renderer.clone(), wrap };
                    let at = list.partition_point(|other| other.id < id);
                    list.insert(at, drawer);
                }
                kernel.win().ownership_changed(&linked);
            },
            move |kernel| {
                {
                    let mut drawers = kernel.0.windows.drawers.borrow_mut();
                    if let Some(list) = drawers.get_mut(&unlinked) {
                        list.retain(|other| other.id != id);
                        if list.is_empty() {
                            drawers.remove(&unlinked);
                        }
                    }
                }
                kernel.win().ownership_changed(&unlinked);
            },
        )
    }

    /// Answers who draws a window instead of its stock renderer, the newest last.
    pub(crate) fn drawers(self, name: &str) -> Vec<Drawer> {
        self.0.0.windows.drawers.borrow().get(name).cloned().unwrap_or_default()
    }

    fn ownership_changed(self, name: &str) {
        let ownership = match self.0.0.windows.drawers.borrow().get(name).and_then(|list| list.last()) {
            None => Ownership::Stock,
            Some(drawer) if drawer.wrap => Ownership::Wrapped,
            Some(_) => Ownership::Owned,
        };
        if let Some(slot) = self.0.0.windows.slots.borrow_mut().get_mut(name) {
            slot.wiped = true;
            if slot.state.ownership != ownership {
                Rc::make_mut(&mut slot.state).ownership = ownership;
            }
        }
        self.mark_dirty(name);
    }

    /// Has a window drawn with the next frame.
    pub fn mark_dirty(self, name: &str) {
        if let Some(slot) = self.0.0.windows.slots.borrow_mut().get_mut(name) {
            slot.dirty = true;
        }
        self.0.0.windows.any_dirty.set(true);
        self.0.wake();
    }

    /// Has every window drawn with the next frame.
    pub fn mark_all_dirty(self) {
        for slot in self.0.0.windows.slots.borrow_mut().values_mut() {
            slot.dirty = true;
        }
        self.0.0.windows.any_dirty.set(true);
        self.0.wake();
    }

    /// Has the windows on a buffer drawn with the next frame.
    pub(crate) fn buffer_changed(self, buffer: &str) {
        let mut any = false;
        for slot in self.0.0.windows.slots.borrow_mut().values_mut() {
            if slot.state.buffer == buffer {
                slot.dirty = true;
                any = true;
            }
        }
        if any && !self.0.0.windows.any_dirty.replace(true) {
            self.0.wake();
        }
    }

    /// Answers a window's variable.
    pub fn var(self, name: &str, var: &str) -> Option<Value> {
        self.get(name)?.vars.get(var).cloned()
    }

    /// Sets a window's variable; null removes it.
    pub fn set_var(self, name: &str, var: &str, value: Value) -> bool {
        self.set(name, |window| {
            let vars = Rc::make_mut(&mut window.vars);
            if value.is_null() {
                vars.remove(var);
            } else {
                vars.insert(var.to_owned(), value);
            }
        })
    }

    /// Notes how far a renderer has scrolled its window; what it draws shows it already.
    pub(crate) fn note_offset(self, name: &str, offset: usize) {
        if let Some(slot) = self.0.0.windows.slots.borrow_mut().get_mut(name) {
            Rc::make_mut(&mut slot.state).scroll.offset = offset;
        }
    }

    /// Finds the topmost visible window at a place on the screen.
    pub fn at(self, row: u16, col: u16) -> Option<Rc<Window>> {
        self.list().into_iter().rev().find(|window| window.visible && window.rect.contains(row, col))
    }
}

impl Kernel {
    /// Creates, finds and changes windows.
    pub fn win(&self) -> Windows<'_> {
        Windows(self)
    }
}
