//! Pickers: lists whose items arrive while they are open.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::Value;

use super::dialog::{DialogBody, Select, SelectItem};
use super::{DialogAnswer, DialogRequest, Reason, Ui};
use crate::guard::{DeadlineClass, Level};
use crate::{ExtId, Handle, HandlerError, Kernel, LBF, Topic, WeakKernel};

/// So many items are kept; what comes beyond them is not taken.
const MOST: usize = 200_000;

/// One item of a picker.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PickItem {
    /// What is shown first; typing filters by it and the detail.
    pub label: String,
    /// A second, quieter text.
    pub detail: String,
    /// Whatever the caller knows it by; never shown.
    pub data: Value,
}

/// Supplies items for what was typed: all of them through the feed, in as many pieces as it likes.
pub type SourceFn = Rc<dyn Fn(String, PickerFeed) -> LBF<Result<(), HandlerError>>>;

/// Where a picker's items come from.
#[derive(Clone)]
pub struct PickerSource(pub SourceFn);

impl PartialEq for PickerSource {
    fn eq(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PickerSource {}

impl std::fmt::Debug for PickerSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PickerSource")
    }
}

/// How to let pick.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PickerOptions {
    /// What is asked.
    pub prompt: String,
    /// The items that are there from the beginning.
    pub items: Vec<PickItem>,
    /// Where further ones come from.
    pub source: Option<PickerSource>,
    /// Whether the source is asked again for each text that is typed, and does the filtering.
    pub live: bool,
    /// Whether several can be picked, toggled with tab.
    pub multi: bool,
    /// Whether typing does not filter, so that j and k move.
    pub no_filter: bool,
    /// After how many milliseconds it ends with `timeout`.
    pub timeout_ms: Option<u64>,
}

/// Hands items to an open picker; what arrives after its end, or for a text that is no longer the typed one, is dropped.
#[derive(Clone)]
pub struct PickerFeed {
    kernel: WeakKernel,
    dialog: u64,
    generation: u64,
}

impl PickerFeed {
    /// Replaces the items; false when nobody wants them any more.
    pub fn set(&self, items: Vec<PickItem>) -> bool {
        self.change(|select| {
            select.keep_toggled();
            select.replace(items);
        })
    }

    /// Adds items at the end; false when nobody wants them any more.
    pub fn add(&self, items: Vec<PickItem>) -> bool {
        self.change(|select| select.extend(items))
    }

    /// Tells whether items are still wanted.
    pub fn is_wanted(&self) -> bool {
        self.change(|_| {})
    }

    fn change(&self, f: impl FnOnce(&mut Select)) -> bool {
        let Some(kernel) = self.kernel.upgrade() else { return false };
        let found = {
            let mut stack = kernel.0.ui.stack.borrow_mut();
            let open = stack.iter_mut().find(|open| {
                let current = open.picker.as_ref().is_some_and(|p| p.borrow().generation == self.generation);
                open.dialog.id == self.dialog && current
            });
            match open.map(|open| &mut Rc::make_mut(&mut open.dialog).body) {
                Some(DialogBody::Select(select)) => {
                    f(select);
                    true
                }
                _ => false,
            }
        };
        if found {
            kernel.changed(Topic::Dialogs);
        }
        found
    }
}

impl std::fmt::Debug for PickerFeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PickerFeed").field("dialog", &self.dialog).finish_non_exhaustive()
    }
}

/// What an open picker needs besides its list.
pub(super) struct Picking {
    source: Option<PickerSource>,
    live: bool,
    /// Rises with each text the source is asked for.
    generation: u64,
    task: Option<Handle>,
}

impl Drop for Picking {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.del();
        }
    }
}

impl Picking {
    pub(super) fn new(options: &PickerOptions) -> RefCell<Self> {
        RefCell::new(Self { source: options.source.clone(), live: options.live, generation: 0, task: None })
    }
}

impl Select {
    pub(super) fn picker(options: PickerOptions) -> Self {
        let mut select = Self::new(super::SelectOptions {
            prompt: options.prompt,
            items: Vec::new(),
            multi: options.multi,
            filter: !options.no_filter,
            timeout_ms: None,
        });
        select.live = options.live && options.source.is_some();
        select.data = Some(Vec::new());
        select.extend(options.items);
        select
    }

    fn extend(&mut self, items: Vec<PickItem>) {
        let room = MOST.saturating_sub(self.items.len());
        let data = self.data.get_or_insert_default();
        for item in items.into_iter().take(room) {
            self.items.push(SelectItem { label: item.label, detail: item.detail });
            data.push(item.data);
        }
        let selected = self.selected;
        self.refilter();
        self.selected = selected.min(self.shown.len().saturating_sub(1));
    }

    fn replace(&mut self, items: Vec<PickItem>) {
        self.items.clear();
        self.toggled.clear();
        self.data = Some(Vec::new());
        self.extend(items);
    }

    /// Keeps what was toggled on although its items go.
    fn keep_toggled(&mut self) {
        let toggled = std::mem::take(&mut self.toggled);
        let kept: Vec<PickItem> = toggled.into_iter().filter_map(|at| self.item(at)).collect();
        self.kept.extend(kept);
    }

    fn item(&self, at: usize) -> Option<PickItem> {
        let item = self.items.get(at)?;
        let data = self.data.as_ref().and_then(|data| data.get(at)).cloned().unwrap_or_default();
        Some(PickItem { label: item.label.clone(), detail: item.detail.clone(), data })
    }

    /// Answers the items of a picker's answer: what was kept, then these.
    pub(super) fn picked(&self, chosen: &[usize]) -> Vec<PickItem> {
        let chosen = chosen.iter().filter_map(|at| self.item(*at));
        self.kept.iter().cloned().chain(chosen).collect()
    }
}

impl Ui<'_> {
    /// Lets one or, with `multi`, several items be picked from a list that may still grow.
    pub fn picker(self, owner: ExtId, options: PickerOptions) -> LBF<Result<Vec<PickItem>, Reason>> {
        let answer = self.ask(owner, DialogRequest::Picker(options));
        Box::pin(async move {
            match answer.await? {
                DialogAnswer::Picked(items) if !items.is_empty() => Ok(items),
                _ => Err(Reason::User),
            }
        })
    }

    /// Asks the source of a picker that was opened, or whose text has changed.
    pub(super) fn ask_source(self, id: u64, first: bool) {
        let asked = {
            let stack = self.0.0.ui.stack.borrow();
            let Some(open) = stack.iter().find(|open| open.dialog.id == id) else { return };
            let Some(picking) = &open.picker else { return };
            let mut picking = picking.borrow_mut();
            let Some(source) = picking.source.clone().filter(|_| first || picking.live) else { return };
            picking.generation += 1;
            let DialogBody::Select(select) = &open.dialog.body else { return };
            let feed = PickerFeed { kernel: self.0.downgrade(), dialog: id, generation: picking.generation };
            (source, select.filter.clone(), feed, open.dialog.owner, picking.task.take())
        };
        let (source, typed, feed, owner, before) = asked;
        if let Some(before) = before {
            before.del();
        }
        let called =
            self.0.guard().stretch(owner, DeadlineClass::Main, "picker source", || Ok(source.0(typed, feed)));
        // The guard has recorded a failure.
        let Ok(future) = called else { return };
        let future = self.0.guard().future(owner, DeadlineClass::Main, "picker source", future);
        let kernel = self.0.downgrade();
        let task = self.0.spawn(owner, Box::pin(async move { told(&kernel, owner, future.await) }));
        let stack = self.0.0.ui.stack.borrow();
        if let Some(picking) = stack.iter().find(|open| open.dialog.id == id).and_then(|o| o.picker.as_ref())
        {
            picking.borrow_mut().task = Some(task);
        }
    }
}

fn told(kernel: &WeakKernel, owner: ExtId, result: Result<(), HandlerError>) {
    let Some(kernel): Option<Kernel> = kernel.upgrade() else { return };
    if let Err(error) = result {
        kernel.ui().notify(owner, format!("The list could not be filled: {error}"), Level::Error);
    }
}
