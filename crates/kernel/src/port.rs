//! The way into the kernel from other threads: owned messages there and back.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::Future;
use std::rc::Rc;
use std::time::Duration;

use futures_channel::{mpsc, oneshot};
use futures_util::future::{Either, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use serde_json::Value;

use crate::guard::CancelToken;
use crate::hooks::{HookDecl, Interest, Object, Outcome};
use crate::{Kernel, LBF};

/// How long work may clean up after nobody waits for it any more.
const CLEAN_UP: Duration = Duration::from_secs(5);

/// Where a call reports how far it is.
pub type Progress = mpsc::UnboundedSender<Value>;

enum Message {
    Raise {
        decl: &'static HookDecl,
        payload: Object,
        reply: oneshot::Sender<Outcome>,
    },
    Call {
        service: String,
        payload: Value,
        progress: Option<Progress>,
        reply: oneshot::Sender<Result<Value, String>>,
    },
}

/// Raises hooks and calls services from any thread.
#[derive(Clone)]
pub struct Port {
    interest: Interest,
    sender: mpsc::UnboundedSender<Message>,
}

impl Port {
    /// Tells whether a hook may have handlers: one relaxed load.
    pub fn wants(&self, decl: &HookDecl) -> bool {
        self.interest.wants(decl)
    }

    /// Raises a hook and completes with its outcome; dropping the future closes the turn of its handlers.
    ///
    /// A hook without answers completes at once: observers never hold the caller up. So does a hook nobody handles,
    /// and one whose kernel is gone; a gate whose kernel is gone is refused.
    pub fn raise(
        &self,
        decl: &'static HookDecl,
        payload: Object,
    ) -> impl Future<Output = Outcome> + Send + use<> {
        let reply = self.wants(decl).then(|| {
            let (reply, answer) = oneshot::channel();
            // A closed channel drops `reply`, which the answer's side reads as a kernel that is gone.
            let _ = self.sender.unbounded_send(Message::Raise { decl, payload, reply });
            answer
        });
        async move {
            let Some(answer) = reply else { return Outcome::default() };
            if decl.is_observer() {
                return Outcome::default();
            }
            answer.await.unwrap_or_else(|_| Outcome {
                refused: decl.closed.then(|| "the extensions have shut down".to_owned()),
                ..Outcome::default()
            })
        }
    }

    /// Calls a service of the kernel's thread; dropping the future cancels the call.
    pub fn call(
        &self,
        service: &str,
        payload: Value,
        progress: Option<Progress>,
    ) -> impl Future<Output = Result<Value, String>> + Send + use<> {
        let (reply, answer) = oneshot::channel();
        // As above: a closed channel shows as a dropped reply.
        let _ = self.sender.unbounded_send(Message::Call {
            service: service.to_owned(),
            payload,
            progress,
            reply,
        });
        async move { answer.await.unwrap_or_else(|_| Err("the kernel has shut down".into())) }
    }
}

impl std::fmt::Debug for Port {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Port")
    }
}

/// One call of a service.
#[derive(Debug)]
pub struct ServiceCall {
    /// What it was called with.
    pub payload: Value,
    /// Where to report how far it is; absent = nobody listens.
    pub progress: Option<Progress>,
    /// Cancelled when the caller no longer waits.
    pub cancelled: CancelToken,
}

/// The code of a service.
pub type ServiceFn = Rc<dyn Fn(ServiceCall) -> LBF<Result<Value, String>>>;

pub(crate) struct PortState {
    sender: mpsc::UnboundedSender<Message>,
    receiver: RefCell<Option<mpsc::UnboundedReceiver<Message>>>,
    services: RefCell<BTreeMap<String, ServiceFn>>,
}

impl PortState {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded();
        Self { sender, receiver: RefCell::new(Some(receiver)), services: RefCell::default() }
    }
}

impl Kernel {
    /// Answers a way in for other threads.
    pub fn port(&self) -> Port {
        Port { interest: self.0.hooks.interest.clone(), sender: self.0.port.sender.clone() }
    }

    /// Offers a service to other threads; a later one of the same name replaces it.
    pub fn serve(&self, service: &str, run: ServiceFn) {
        self.0.port.services.borrow_mut().insert(service.to_owned(), run);
    }

    /// Works off what arrives through ports; run once, by the main loop, beside everything else.
    pub fn serve_port(&self) -> LBF<()> {
        let Some(mut receiver) = self.0.port.receiver.borrow_mut().take() else {
            return Box::pin(std::future::ready(()));
        };
        let kernel = self.downgrade();
        Box::pin(async move {
            let mut running: FuturesUnordered<LBF<()>> = FuturesUnordered::new();
            loop {
                let message = if running.is_empty() {
                    receiver.next().await
                } else {
                    match select(receiver.next(), running.next()).await {
                        Either::Left((message, _)) => message,
                        Either::Right(_) => continue,
                    }
                };
                let (Some(message), Some(kernel)) = (message, kernel.upgrade()) else { return };
                if let Some(work) = kernel.take(message) {
                    running.push(work);
                }
            }
        })
    }

    fn take(&self, message: Message) -> Option<LBF<()>> {
        match message {
            Message::Raise { decl, payload, .. } if decl.is_observer() => {
                self.hook().observe(decl, payload);
                None
            }
            Message::Raise { decl, payload, reply } => {
                let token = CancelToken::new();
                let work = match decl.mode {
                    crate::HookMode::Async => {
                        self.hook().raise_cancellable(decl.name, payload, token.clone())
                    }
                    crate::HookMode::Sync => {
                        Box::pin(std::future::ready(self.hook().dispatch_object(decl, payload)))
                    }
                };
                Some(answer(self.host(), work, reply, token))
            }
            Message::Call { service, payload, progress, reply } => {
                let token = CancelToken::new();
                let run = self.0.port.services.borrow().get(&service).cloned();
                let Some(run) = run else {
                    // The caller may have stopped waiting.
                    let _ = reply.send(Err(format!("there is no service `{service}`")));
                    return None;
                };
                let outer = self.guard().swap_cancel(Some(token.clone()));
                let work = run(ServiceCall { payload, progress, cancelled: token.clone() });
                self.guard().swap_cancel(outer);
                Some(answer(self.host(), work, reply, token))
            }
        }
    }
}

/// Sends the work's result back; when nobody waits for it any more, its waits end and it may clean up.
fn answer<T: 'static>(
    host: Rc<dyn crate::Host>,
    work: LBF<T>,
    mut reply: oneshot::Sender<T>,
    token: CancelToken,
) -> LBF<()> {
    Box::pin(async move {
        let work = match select(work, reply.cancellation()).await {
            Either::Left((result, _)) => {
                // The caller may have stopped waiting just now.
                let _ = reply.send(result);
                return;
            }
            Either::Right(((), work)) => work,
        };
        token.cancel();
        select(work, host.sleep(CLEAN_UP)).await;
    })
}
