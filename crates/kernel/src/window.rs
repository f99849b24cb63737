//! Windows: views on buffers, with a place on the screen and somebody who draws them.

mod render;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};

pub use render::{RenderContext, Renderer};

use crate::grid::Grid;
use crate::hooks::Object;
use crate::hooks::terminal::FocusChange;
use crate::layout::Rect;
use crate::{ExtId, Handle, HandlerError, Kernel, RegId, Topic};

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

/// Where a window's rectangle comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// From the layout tree; a window that is not in it is not shown.
    #[default]
    Tree,
    /// Fixed on the screen, over the tree.
    Float(Rect),
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
    /// Row and column of its cursor, as its renderer set it.
    pub cursor: Option<(u16, u16)>,
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
            cursor: None,
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
}

#[derive(Clone)]
pub(crate) struct Drawer {
    pub(crate) id: RegId,
    pub(crate) owner: ExtId,
    pub(crate) renderer: Rc<dyn Renderer>,
    pub(crate) wrap: bool,
}

pub(crate) struct Slot {
    pub(crate) owner: ExtId,
    pub(crate) seq: RegId,
    pub(crate) state: Rc<Window>,
    /// How a built-in window was created, for `reset`.
    original: Rc<Window>,
    pub(crate) stock: Option<Rc<dyn Renderer>>,
    pub(crate) drawers: Vec<Drawer>,
    pub(crate) dirty: bool,
    /// What was drawn last; kept until the window is drawn again.
    pub(crate) surface: Option<Grid>,
}

#[derive(Default)]
pub(crate) struct WindowTable {
    pub(crate) slots: RefCell<BTreeMap<String, Slot>>,
    focused: RefCell<Option<String>>,
    pub(crate) any_dirty: Cell<bool>,
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

    /// Creates a window; a name that is taken is an error. Deleting the handle deletes it.
    pub fn create(self, owner: ExtId, window: Window) -> Result<Handle, HandlerError> {
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
                    drawers: Vec::new(),
                    dirty: true,
                    surface: None,
                });
                kernel.0.windows.slots.borrow_mut().insert(slot.state.name.clone(), slot);
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

    /// Creates a window and gives it the focus.
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
            slot.dirty = true;
            let placed = before.placement != slot.state.placement
                || before.visible != slot.state.visible
                || before.zindex != slot.state.zindex;
            drop(slots);
            let name = name.to_owned();
            self.0.on_rollback(move |kernel| {
                if let Some(slot) = kernel.0.windows.slots.borrow_mut().get_mut(&name) {
                    slot.state = before;
                    slot.dirty = true;
                }
                kernel.layout().changed();
            });
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

    /// Answers the window with the focus.
    pub fn focused(self) -> Option<Rc<Window>> {
        let name = self.0.0.windows.focused.borrow().clone()?;
        self.get(&name)
    }

    /// Gives a window the focus; false when it cannot have it.
    pub fn focus(self, name: &str) -> bool {
        let Some(window) = self.get(name).filter(|window| window.focusable && window.visible) else {
            return false;
        };
        self.take_cursor(&window);
        self.set_focus(Some(window.name.clone()));
        true
    }

    /// Takes the focus from a window that goes away and gives it to the topmost that can have it.
    fn leave(self, name: &str) {
        let had = self.0.0.windows.focused.borrow().as_deref() == Some(name);
        if had {
            let heir = self.list().into_iter().rev().find(|w| w.focusable && w.visible && w.name != name);
            if let Some(heir) = &heir {
                self.take_cursor(heir);
            }
            self.set_focus(heir.map(|window| window.name.clone()));
        }
    }

    /// Makes the buffer's cursor that of a window which gets the focus; the one that had it keeps its own.
    fn take_cursor(self, window: &Window) {
        let kernel = self.0;
        let (holder, cursor) = {
            let mut slots = kernel.0.buffers.slots.borrow_mut();
            let Some(slot) = slots.get_mut(&window.buffer) else { return };
            if slot.holder.as_deref() == Some(&window.name) {
                return;
            }
            (slot.holder.replace(window.name.clone()), slot.state.cursor)
        };
        let (buffer, before) = (window.buffer.clone(), holder.clone());
        kernel.on_rollback(move |kernel| {
            if let Some(slot) = kernel.0.buffers.slots.borrow_mut().get_mut(&buffer) {
                slot.holder = before;
            }
        });
        let shared = holder.filter(|name| self.get(name).is_some_and(|other| other.buffer == window.buffer));
        if let Some(other) = shared {
            self.set(&other, |other| other.point = cursor);
            kernel.buf().change_state(&window.buffer, |buffer| {
                buffer.cursor = window.point.min(buffer.rope.len_chars());
            });
        }
    }

    fn set_focus(self, to: Option<String>) {
        let from = self.0.0.windows.focused.replace(to.clone());
        if from == to {
            return;
        }
        self.mark_name_dirty(from.as_deref());
        self.mark_name_dirty(to.as_deref());
        let before = from.clone();
        self.0.on_rollback(move |kernel| {
            *kernel.0.windows.focused.borrow_mut() = before;
        });
        self.0.changed(Topic::Focus);
        self.0.hook().dispatch_with::<FocusChange>(|| {
            Object::from_iter([
                ("from".to_owned(), json!(from.unwrap_or_default())),
                ("to".to_owned(), json!(to.unwrap_or_default())),
            ])
        });
    }

    fn mark_name_dirty(self, name: Option<&str>) {
        if let Some(name) = name {
            self.mark_dirty(name);
        }
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

    /// Lets an extension draw a window, the newest before the others; with `wrap` it is given what would have
    /// been drawn.
    pub fn render(self, owner: ExtId, name: &str, renderer: Rc<dyn Renderer>, wrap: bool) -> Handle {
        let id = self.0.next_reg();
        let (linked, unlinked) = (name.to_owned(), name.to_owned());
        self.0.register(
            id,
            owner,
            "renderer",
            name,
            move |kernel| {
                if let Some(slot) = kernel.0.windows.slots.borrow_mut().get_mut(&linked) {
                    let drawer = Drawer { id, owner, renderer: renderer.clone(), wrap };
                    let at = slot.drawers.partition_point(|other| other.id < id);
                    slot.drawers.insert(at, drawer);
                }
                kernel.win().ownership_changed(&linked);
            },
            move |kernel| {
                if let Some(slot) = kernel.0.windows.slots.borrow_mut().get_mut(&unlinked) {
                    slot.drawers.retain(|other| other.id != id);
                }
                kernel.win().ownership_changed(&unlinked);
            },
        )
    }

    fn ownership_changed(self, name: &str) {
        if let Some(slot) = self.0.0.windows.slots.borrow_mut().get_mut(name) {
            let ownership = match slot.drawers.last() {
                None => Ownership::Stock,
                Some(drawer) if drawer.wrap => Ownership::Wrapped,
                Some(_) => Ownership::Owned,
            };
            Rc::make_mut(&mut slot.state).ownership = ownership;
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

    /// Finds the topmost visible window at a place on the screen.
    pub fn at(self, row: u16, col: u16) -> Option<Rc<Window>> {
        self.list().into_iter().rev().find(|window| window.visible && window.rect.contains(row, col))
    }
}

impl Kernel {
    /// Moves the cursors of windows along with an edit of their buffer.
    pub(crate) fn shift_points(&self, buffer: &str, shift: crate::mark::Shift) {
        for slot in self.0.windows.slots.borrow_mut().values_mut() {
            if slot.state.point > shift.start && slot.state.buffer == buffer {
                let point = shift.begin(slot.state.point);
                Rc::make_mut(&mut slot.state).point = point;
            }
        }
    }

    /// Creates, finds and changes windows.
    pub fn win(&self) -> Windows<'_> {
        Windows(self)
    }
}
