//! Dialogs and notices: their model. A surface draws them; what streams behind them goes on.

mod dialog;
mod keys;
mod notice;

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

pub use dialog::{
    Confirm, ConfirmOptions, Dialog, DialogBody, Input as InputDialog, InputOptions, Select, SelectAnswer,
    SelectItem, SelectOptions,
};
pub use notice::Notice;

use crate::{ExtId, Kernel, LBF, Topic};
use dialog::Answer;

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

struct Open {
    dialog: Rc<Dialog>,
    deadline: Option<u64>,
    reply: oneshot::Sender<Result<Answer, Reason>>,
}

#[derive(Default)]
pub(crate) struct UiState {
    interactive: Cell<bool>,
    closed: Cell<bool>,
    stack: RefCell<Vec<Open>>,
    next: Cell<u64>,
    notices: notice::Notices,
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
        let timeout = options.timeout_ms;
        let answer = self.open(owner, DialogBody::Confirm(Confirm::new(options)), timeout);
        Box::pin(async move {
            match answer.await? {
                Answer::Confirm(yes) => Ok(yes),
                _ => Err(Reason::User),
            }
        })
    }

    /// Lets one or, with `multi`, several items be chosen.
    pub fn select(self, owner: ExtId, options: SelectOptions) -> LBF<Result<SelectAnswer, Reason>> {
        let timeout = options.timeout_ms;
        let answer = self.open(owner, DialogBody::Select(Select::new(options)), timeout);
        Box::pin(async move {
            match answer.await? {
                Answer::Select(chosen) => Ok(SelectAnswer { chosen }),
                _ => Err(Reason::User),
            }
        })
    }

    /// Asks for a text.
    pub fn input(self, owner: ExtId, options: InputOptions) -> LBF<Result<String, Reason>> {
        let timeout = options.timeout_ms;
        let answer = self.open(owner, DialogBody::Input(InputDialog::new(options)), timeout);
        Box::pin(async move {
            match answer.await? {
                Answer::Input(text) => Ok(text),
                _ => Err(Reason::User),
            }
        })
    }

    fn open(self, owner: ExtId, body: DialogBody, timeout: Option<u64>) -> LBF<Result<Answer, Reason>> {
        let state = &self.0.0.ui;
        let refused = if state.closed.get() {
            Some(Reason::Shutdown)
        } else if !state.interactive.get() {
            Some(Reason::NoUi)
        } else if owner != ExtId::CORE && self.has_dialog_of(owner) {
            Some(Reason::Busy)
        } else {
            None
        };
        if let Some(reason) = refused {
            return Box::pin(std::future::ready(Err(reason)));
        }
        let id = state.next.get() + 1;
        state.next.set(id);
        let (reply, answer) = oneshot::channel();
        let dialog = Rc::new(Dialog { id, owner, extension: self.0.ext().name(owner), body });
        let deadline = timeout.map(|ms| self.0.now() + ms);
        state.stack.borrow_mut().push(Open { dialog, deadline, reply });
        self.0.changed(Topic::Dialogs);
        let closes = CloseOnDrop { kernel: self.0.clone(), id };
        let token = self.0.guard().current_cancel();
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

    /// Answers the open dialogs, oldest first; the last has the keyboard.
    pub fn dialogs(self) -> Vec<Rc<Dialog>> {
        self.0.0.ui.stack.borrow().iter().map(|open| open.dialog.clone()).collect()
    }

    /// Tells whether a dialog has the keyboard.
    pub fn has_dialog(self) -> bool {
        !self.0.0.ui.stack.borrow().is_empty()
    }

    /// Tells whether `owner` has a dialog open.
    pub fn has_dialog_of(self, owner: ExtId) -> bool {
        self.0.0.ui.stack.borrow().iter().any(|open| open.dialog.owner == owner)
    }

    /// Ends a dialog with a reason, as a surface does when it is dismissed otherwise than by a key.
    pub fn dismiss(self, id: u64, reason: Reason) {
        self.close_where(|open| open.dialog.id == id, reason);
    }

    pub(crate) fn close_of(self, owner: ExtId, reason: Reason) {
        self.close_where(|open| open.dialog.owner == owner, reason);
    }

    pub(crate) fn close_all(self, reason: Reason) {
        self.0.0.ui.closed.set(reason == Reason::Shutdown);
        self.close_where(|_| true, reason);
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

    fn answer(self, id: u64, answer: Result<Answer, Reason>) {
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
        let dialogs = self.0.0.ui.stack.borrow().iter().filter_map(|open| open.deadline).min();
        [dialogs, self.next_notice_end()].into_iter().flatten().min()
    }

    pub(crate) fn expire(self) {
        let now = self.0.now();
        self.close_where(|open| open.deadline.is_some_and(|deadline| deadline <= now), Reason::Timeout);
        self.expire_notices(now);
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
