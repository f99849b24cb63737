//! Dialogs of an extension's own make in place of the built-in ones, for everyone.

use std::cell::RefCell;
use std::rc::Rc;

use futures_channel::oneshot;
use futures_util::future::{Either, select};

use super::{
    ConfirmOptions, InputOptions, OverlayAnswer, PickItem, PickerOptions, Reason, SelectOptions, Ui,
};
use crate::guard::DeadlineClass;
use crate::{ExtId, Handle, HandlerError, LBF, RegId};

/// The kinds of dialog that can be provided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DialogKind {
    /// Yes or no.
    Confirm,
    /// One or several of a list.
    Select,
    /// A text.
    Input,
    /// One or several of a list that may still grow.
    Picker,
}

impl DialogKind {
    /// Finds a kind by the name extensions write.
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "confirm" => Self::Confirm,
            "select" => Self::Select,
            "input" => Self::Input,
            "picker" => Self::Picker,
            _ => return None,
        })
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialogRequest {
    /// Yes or no.
    Confirm(ConfirmOptions),
    /// One or several of a list.
    Select(SelectOptions),
    /// A text.
    Input(InputOptions),
    /// One or several of a list that may still grow.
    Picker(PickerOptions),
}

impl DialogRequest {
    /// Answers its kind.
    pub fn kind(&self) -> DialogKind {
        match self {
            Self::Confirm(_) => DialogKind::Confirm,
            Self::Select(_) => DialogKind::Select,
            Self::Input(_) => DialogKind::Input,
            Self::Picker(_) => DialogKind::Picker,
        }
    }

    /// Answers the words of the question.
    pub fn words(&self) -> &str {
        match self {
            Self::Confirm(options) => &options.message,
            Self::Select(options) => &options.prompt,
            Self::Input(options) => &options.prompt,
            Self::Picker(options) => &options.prompt,
        }
    }

    pub(super) fn timeout_ms(&self) -> Option<u64> {
        match self {
            Self::Confirm(options) => options.timeout_ms,
            Self::Select(options) => options.timeout_ms,
            Self::Input(options) => options.timeout_ms,
            Self::Picker(options) => options.timeout_ms,
        }
    }
}

/// A question that somebody else is to ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialogAsk {
    /// Who wants to know.
    pub owner: ExtId,
    /// The asking extension's name.
    pub extension: String,
    /// What is asked.
    pub request: DialogRequest,
}

/// What a dialog answered; of the kind that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialogAnswer {
    /// To a confirmation.
    Confirm(bool),
    /// Zero-based indices of the chosen items.
    Select(Vec<usize>),
    /// To an input.
    Input(String),
    /// The picked items.
    Picked(Vec<PickItem>),
    /// To an overlay.
    Overlay(OverlayAnswer),
}

/// The code that asks: completes with the answer, or with the reason why there is none; an error has the built-in dialog
/// asked instead.
pub type ProvideFn = Rc<dyn Fn(DialogAsk) -> LBF<Result<Result<DialogAnswer, Reason>, HandlerError>>>;

struct Provider {
    id: RegId,
    owner: ExtId,
    kind: DialogKind,
    run: ProvideFn,
}

/// A question that a provider is asking.
struct Asked {
    id: u64,
    owner: ExtId,
    provider: ExtId,
    deadline: Option<u64>,
    ends: oneshot::Sender<Reason>,
}

#[derive(Default)]
pub(crate) struct Providers {
    list: RefCell<Vec<Rc<Provider>>>,
    asked: RefCell<Vec<Asked>>,
}

impl Ui<'_> {
    /// Has an extension ask all questions of a kind, until the handle is deleted; the newest has them. What a provider
    /// itself asks goes to the one before, in the end to the built-in dialog.
    pub fn provide(self, owner: ExtId, kind: DialogKind, run: ProvideFn) -> Handle {
        let id = self.0.next_reg();
        self.0.register(
            id,
            owner,
            "dialog provider",
            format!("{kind:?}").to_lowercase(),
            move |kernel| {
                let mut list = kernel.0.ui.providers.list.borrow_mut();
                let at = list.partition_point(|other| other.id < id);
                list.insert(at, Rc::new(Provider { id, owner, kind, run: run.clone() }));
            },
            move |kernel| kernel.0.ui.providers.list.borrow_mut().retain(|other| other.id != id),
        )
    }

    fn provider(self, owner: ExtId, kind: DialogKind) -> Option<Rc<Provider>> {
        let list = self.0.0.ui.providers.list.borrow();
        // One that is asking for somebody must not be asked by itself, nor in a circle.
        let asking = self.0.0.ui.providers.asked.borrow();
        let free = |provider: &&Rc<Provider>| {
            provider.kind == kind
                && provider.owner != owner
                && !self.0.guard().is_suspended(provider.owner)
                && !asking.iter().any(|asked| asked.owner == provider.owner)
        };
        list.iter().rev().find(free).cloned()
    }

    /// Takes the last question that ended with `no_ui`: whoever learns of the answer may know somebody else to ask.
    pub fn take_unanswered(self) -> Option<DialogAsk> {
        self.0.0.ui.unanswered.take()
    }

    /// Asks a question, through whoever provides its kind.
    pub(super) fn ask(self, owner: ExtId, request: DialogRequest) -> LBF<Result<DialogAnswer, Reason>> {
        if self.refusal(owner) == Some(Reason::NoUi) {
            let extension = self.0.ext().name(owner);
            self.0.0.ui.unanswered.replace(Some(DialogAsk { owner, extension, request: request.clone() }));
        }
        let provider = self.provider(owner, request.kind()).filter(|_| self.refusal(owner).is_none());
        let Some(provider) = provider else { return self.open_request(owner, request) };
        let (id, ended) = self.begin_asking(owner, provider.owner, &request);
        let ask = DialogAsk { owner, extension: self.0.ext().name(owner), request: request.clone() };
        let asked = self
            .0
            .guard()
            .stretch(provider.owner, DeadlineClass::Main, "ui.provide", || Ok((provider.run)(ask)));
        let kernel = self.0.clone();
        let future = asked
            .map(|future| kernel.guard().future(provider.owner, DeadlineClass::Main, "ui.provide", future));
        Box::pin(async move {
            let over = Over { kernel: kernel.clone(), id };
            let answered = match future {
                Err(error) => Err(error),
                Ok(future) => match select(future, ended).await {
                    Either::Left((answered, _)) => answered,
                    Either::Right((reason, _)) => return Err(reason.unwrap_or(Reason::Shutdown)),
                },
            };
            drop(over);
            match answered {
                Ok(answer) => answer,
                // The guard has recorded the failure; who asked is answered all the same.
                Err(_) => kernel.ui().open_request(owner, request).await,
            }
        })
    }

    fn begin_asking(
        self,
        owner: ExtId,
        provider: ExtId,
        request: &DialogRequest,
    ) -> (u64, oneshot::Receiver<Reason>) {
        let id = self.0.0.ui.next.get() + 1;
        self.0.0.ui.next.set(id);
        let (ends, ended) = oneshot::channel();
        let deadline = request.timeout_ms().map(|ms| self.0.now() + ms);
        self.0.0.ui.providers.asked.borrow_mut().push(Asked { id, owner, provider, deadline, ends });
        // The main loop has a new deadline.
        self.0.wake();
        (id, ended)
    }

    /// Tells whether a provider is asking something for an extension.
    pub(super) fn is_asked_for(self, owner: ExtId) -> bool {
        self.0.0.ui.providers.asked.borrow().iter().any(|asked| asked.owner == owner)
    }

    /// Ends what providers ask: for an extension, by an extension, or for whom the time is over.
    pub(super) fn end_asked(self, whose: Option<ExtId>, now: Option<u64>, reason: Reason) {
        let ended: Vec<Asked> = {
            let mut asked = self.0.0.ui.providers.asked.borrow_mut();
            let over = |asked: &mut Asked| {
                let own = whose.is_none_or(|ext| asked.owner == ext || asked.provider == ext);
                let due = now.is_none_or(|now| asked.deadline.is_some_and(|deadline| deadline <= now));
                own && due
            };
            asked.extract_if(.., over).collect()
        };
        for asked in ended {
            // Whoever asked may have stopped waiting.
            let _ = asked.ends.send(reason);
        }
    }

    pub(super) fn next_asked_end(self) -> Option<u64> {
        self.0.0.ui.providers.asked.borrow().iter().filter_map(|asked| asked.deadline).min()
    }
}

/// Forgets a question when it is answered or nobody waits for it any more.
struct Over {
    kernel: crate::Kernel,
    id: u64,
}

impl Drop for Over {
    fn drop(&mut self) {
        let gone: Vec<Asked> = {
            let mut asked = self.kernel.0.ui.providers.asked.borrow_mut();
            asked.extract_if(.., |asked| asked.id == self.id).collect()
        };
        drop(gone);
    }
}
