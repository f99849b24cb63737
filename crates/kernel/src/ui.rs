//! Dialogs and notices: their model. A surface draws them; what streams behind them goes on.

mod animate;
mod dialog;
mod keys;
mod notice;
mod overlay;
mod picker;
mod provide;
mod status;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

pub use animate::CLOCK_HZ;
pub use dialog::{
    Confirm, ConfirmOptions, Dialog, DialogBody, Input as InputDialog, InputComplete, InputOptions, Select,
    SelectAnswer, SelectItem, SelectOptions,
};
pub use notice::Notice;
pub use overlay::{Overlay, OverlayAnswer, OverlayBody, OverlayOptions, overlay_size};
pub use picker::{PickItem, PickerFeed, PickerOptions, PickerSource, SourceFn};
pub use provide::{DialogAnswer, DialogAsk, DialogKind, DialogRequest, ProvideFn};
pub use status::StatusSegment;

use crate::guard::CancelToken;
use crate::{ExtId, Kernel, LBF, Topic};
use picker::Picking;

/// Why a wait ended without a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The person dismissed it, or closed the turn it belongs to.
    #[error("user")]
    User,
    /// Nobody is there to ask.
    #[error("no_ui")]
    NoUi,
    /// The extension already has a dialog open.
    #[error("busy")]
    Busy,
    /// Its time was over.
    #[error("timeout")]
    Timeout,
    /// The extension was unloaded.
    #[error("unload")]
    Unload,
    /// The process ends.
    #[error("shutdown")]
    Shutdown,
}

impl Reason {
    /// Answers the word that extensions see.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::NoUi => "no_ui",
            Self::Busy => "busy",
            Self::Timeout => "timeout",
            Self::Unload => "unload",
            Self::Shutdown => "shutdown",
        }
    }
}

/// Who typed at most this long before a dialog opened, in milliseconds, is still typing.
const TYPING_MS: u64 = 1_000;

/// After so many milliseconds without a key, what is typed is meant for the dialog.
const QUIET_MS: u64 = 500;

struct Open {
    dialog: Rc<Dialog>,
    /// Until when it takes no keys, since the person is typing something else.
    waits_until: Option<u64>,
    deadline: Option<u64>,
    picker: Option<RefCell<Picking>>,
    reply: oneshot::Sender<Result<DialogAnswer, Reason>>,
}

#[derive(Default)]
pub(crate) struct UiState {
    interactive: Cell<bool>,
    closed: Cell<bool>,
    stack: RefCell<Vec<Open>>,
    next: Cell<u64>,
    /// When the last key or paste arrived.
    last_key: Cell<Option<u64>>,
    /// Whether it went to a dialog.
    to_dialog: Cell<bool>,
    /// Whether a key is being dealt with: what opens meanwhile was asked for by it.
    in_key: Cell<bool>,
    /// The last question that found nobody to answer.
    unanswered: RefCell<Option<DialogAsk>>,
    notices: notice::Notices,
    providers: provide::Providers,
    animations: animate::Animations,
    segments: status::Segments,
}

/// Asks and tells the person; made by [`Kernel::ui`].
#[derive(Clone, Copy, Debug)]
pub struct Ui<'k>(pub(crate) &'k Kernel);

impl Ui<'_> {
    /// Says whether somebody is there to answer; without one every dialog ends with `no_ui` at once.
    pub fn set_interactive(self, interactive: bool) {
        self.0.0.ui.interactive.set(interactive);
    }

    /// Tells whether somebody is there to answer.
    pub fn is_interactive(self) -> bool {
        self.0.0.ui.interactive.get()
    }

    /// Asks yes or no.
    pub fn confirm(self, owner: ExtId, options: ConfirmOptions) -> LBF<Result<bool, Reason>> {
        let answer = self.ask(owner, DialogRequest::Confirm(options));
        Box::pin(async move {
            match answer.await? {
                DialogAnswer::Confirm(yes) => Ok(yes),
                _ => Err(Reason::User),
            }
        })
    }

    /// Lets one or, with `multi`, several items be chosen.
    pub fn select(self, owner: ExtId, options: SelectOptions) -> LBF<Result<SelectAnswer, Reason>> {
        let (count, multi) = (options.items.len(), options.multi);
        let answer = self.ask(owner, DialogRequest::Select(options));
        Box::pin(async move {
            let DialogAnswer::Select(mut chosen) = answer.await? else { return Err(Reason::User) };
            // A provider may answer what is not there.
            chosen.retain(|at| *at < count);
            chosen.sort_unstable();
            chosen.dedup();
            chosen.truncate(if multi { count } else { 1 });
            if chosen.is_empty() { Err(Reason::User) } else { Ok(SelectAnswer { chosen }) }
        })
    }

    /// Asks for a text.
    pub fn input(self, owner: ExtId, options: InputOptions) -> LBF<Result<String, Reason>> {
        let answer = self.ask(owner, DialogRequest::Input(options));
        Box::pin(async move {
            match answer.await? {
                DialogAnswer::Input(text) => Ok(text),
                _ => Err(Reason::User),
            }
        })
    }

    /// Shows a text over the screen. Leaving it without choosing is an answer, too.
    pub fn overlay(self, owner: ExtId, options: OverlayOptions) -> LBF<Result<OverlayAnswer, Reason>> {
        let timeout = options.timeout_ms;
        let body = DialogBody::Overlay(Overlay::new(options, self.screen(), self.0.highlighter().as_deref()));
        let answer = self.open(owner, body, None, timeout);
        Box::pin(async move {
            match answer.await {
                Ok(DialogAnswer::Overlay(answer)) => Ok(answer),
                Ok(_) | Err(Reason::User) => {
                    Ok(OverlayAnswer { action: String::new(), index: -1, cancelled: true })
                }
                Err(reason) => Err(reason),
            }
        })
    }

    /// Opens the built-in dialog for a question.
    fn open_request(self, owner: ExtId, request: DialogRequest) -> LBF<Result<DialogAnswer, Reason>> {
        let timeout = request.timeout_ms();
        let (body, picker) = match request {
            DialogRequest::Confirm(options) => (DialogBody::Confirm(Confirm::new(options)), None),
            DialogRequest::Select(options) => (DialogBody::Select(Select::new(options)), None),
            DialogRequest::Input(options) => (DialogBody::Input(InputDialog::new(options)), None),
            DialogRequest::Picker(options) => {
                let picking = Picking::new(&options);
                (DialogBody::Select(Select::picker(options)), Some(picking))
            }
        };
        self.open(owner, body, picker, timeout)
    }

    /// Answers why an extension may not ask just now.
    fn refusal(self, owner: ExtId) -> Option<Reason> {
        let state = &self.0.0.ui;
        if state.closed.get() {
            Some(Reason::Shutdown)
        } else if !state.interactive.get() {
            Some(Reason::NoUi)
        } else if owner != ExtId::CORE && self.has_dialog_of(owner) {
            Some(Reason::Busy)
        } else {
            None
        }
    }

    fn open(
        self,
        owner: ExtId,
        body: DialogBody,
        picker: Option<RefCell<Picking>>,
        timeout: Option<u64>,
    ) -> LBF<Result<DialogAnswer, Reason>> {
        let state = &self.0.0.ui;
        let refused = self.refusal(owner);
        if let Some(reason) = refused {
            return Box::pin(std::future::ready(Err(reason)));
        }
        let id = state.next.get() + 1;
        state.next.set(id);
        let (reply, answer) = oneshot::channel();
        let token = self.0.guard().current_cancel();
        let about = token.as_ref().and_then(CancelToken::about);
        let dialog = Rc::new(Dialog { id, owner, extension: self.0.ext().name(owner), about, body });
        let deadline = timeout.map(|ms| self.0.now() + ms);
        let now = self.0.now();
        let typing = state.last_key.get().is_some_and(|last| now.saturating_sub(last) < TYPING_MS);
        let waits_until = (typing && !state.in_key.get()).then_some(now + QUIET_MS);
        let picks = picker.is_some();
        state.stack.borrow_mut().push(Open { dialog, waits_until, deadline, picker, reply });
        if picks {
            self.ask_source(id, true);
        }
        self.0.changed(Topic::Dialogs);
        let closes = CloseOnDrop { kernel: self.0.clone(), id };
        Box::pin(async move {
            let _closes = closes;
            let answer = async move { answer.await.unwrap_or(Err(Reason::Shutdown)) };
            let Some(token) = token else { return answer.await };
            match select(Box::pin(answer), token.cancelled()).await {
                Either::Left((answer, _)) => answer,
                Either::Right(_) => Err(Reason::User),
            }
        })
    }

    /// Answers the open dialogs, oldest first; the last that does not wait has the keyboard.
    pub fn dialogs(self) -> Vec<Rc<Dialog>> {
        self.0.0.ui.stack.borrow().iter().map(|open| open.dialog.clone()).collect()
    }

    /// Tells whether a dialog has the keyboard.
    pub fn has_dialog(self) -> bool {
        let now = self.0.now();
        self.0.0.ui.stack.borrow().iter().any(|open| open.is_armed(now))
    }

    /// Answers the dialog to show, and whether it still waits for the person to finish typing: the one that has the
    /// keyboard, else the newest.
    pub fn front(self) -> Option<(Rc<Dialog>, bool)> {
        let now = self.0.now();
        let stack = self.0.0.ui.stack.borrow();
        let armed = stack.iter().rev().find(|open| open.is_armed(now));
        armed
            .map(|open| (open.dialog.clone(), false))
            .or_else(|| stack.last().map(|open| (open.dialog.clone(), true)))
    }

    /// Notes that a key or paste has arrived: a dialog that waits goes on waiting. Answers whether it goes to a dialog.
    fn typed(self) -> bool {
        let (now, state) = (self.0.now(), &self.0.0.ui);
        state.last_key.set(Some(now));
        let mut waiting = false;
        for open in state.stack.borrow_mut().iter_mut().filter(|open| !open.is_armed(now)) {
            open.waits_until = Some(now + QUIET_MS);
            waiting = true;
        }
        // What follows the answer of one dialog is not meant for what lies behind the next.
        let to_dialog = self.has_dialog() || (waiting && state.to_dialog.get());
        state.to_dialog.set(to_dialog);
        to_dialog
    }

    /// Runs `f`, which deals with a key: a dialog that it opens was asked for and takes the next key.
    pub(crate) fn within_key<T>(self, f: impl FnOnce() -> T) -> T {
        let before = self.0.0.ui.in_key.replace(true);
        let value = f();
        self.0.0.ui.in_key.set(before);
        value
    }

    /// Tells whether `owner` has a dialog open.
    pub fn has_dialog_of(self, owner: ExtId) -> bool {
        self.0.0.ui.stack.borrow().iter().any(|open| open.dialog.owner == owner) || self.is_asked_for(owner)
    }

    /// Ends a dialog with a reason, as a surface does when it is dismissed otherwise than by a key.
    pub fn dismiss(self, id: u64, reason: Reason) {
        self.close_where(|open| open.dialog.id == id, reason);
    }

    pub(crate) fn close_of(self, owner: ExtId, reason: Reason) {
        self.close_where(|open| open.dialog.owner == owner, reason);
        self.end_asked(Some(owner), None, reason);
    }

    pub(crate) fn close_all(self, reason: Reason) {
        self.0.0.ui.closed.set(reason == Reason::Shutdown);
        self.close_where(|_| true, reason);
        self.end_asked(None, None, reason);
    }

    fn close_where(self, test: impl Fn(&Open) -> bool, reason: Reason) {
        let closed: Vec<Open> = self.0.0.ui.stack.borrow_mut().extract_if(.., |open| test(open)).collect();
        if closed.is_empty() {
            return;
        }
        for open in closed {
            // Whoever asked may have stopped waiting.
            let _ = open.reply.send(Err(reason));
        }
        self.0.changed(Topic::Dialogs);
    }

    fn answer(self, id: u64, answer: Result<DialogAnswer, Reason>) {
        let open = {
            let mut stack = self.0.0.ui.stack.borrow_mut();
            stack.iter().position(|open| open.dialog.id == id).map(|at| stack.remove(at))
        };
        if let Some(open) = open {
            // As above.
            let _ = open.reply.send(answer);
            self.0.changed(Topic::Dialogs);
        }
    }

    pub(crate) fn next_due(self) -> Option<u64> {
        let stack = self.0.0.ui.stack.borrow();
        let ends = stack.iter().filter_map(|open| open.deadline).min();
        let arms = stack.iter().filter_map(|open| open.waits_until).min();
        let others = [self.next_notice_end(), self.next_asked_end(), self.next_step()];
        [ends, arms].into_iter().chain(others).flatten().min()
    }

    pub(crate) fn expire(self) {
        let now = self.0.now();
        let mut armed = false;
        for open in self.0.0.ui.stack.borrow_mut().iter_mut() {
            armed |= open.waits_until.take_if(|until| *until <= now).is_some();
        }
        if armed {
            self.0.changed(Topic::Dialogs);
        }
        self.close_where(|open| open.deadline.is_some_and(|deadline| deadline <= now), Reason::Timeout);
        self.end_asked(None, Some(now), Reason::Timeout);
        self.expire_notices(now);
        self.run_steps();
    }
}

impl Open {
    fn is_armed(&self, now: u64) -> bool {
        self.waits_until.is_none_or(|until| until <= now)
    }
}

/// Takes a dialog off the stack when whoever asked stops waiting.
struct CloseOnDrop {
    kernel: Kernel,
    id: u64,
}

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        self.kernel.ui().dismiss(self.id, Reason::User);
    }
}

impl Kernel {
    /// Asks and tells the person.
    pub fn ui(&self) -> Ui<'_> {
        Ui(self)
    }
}
