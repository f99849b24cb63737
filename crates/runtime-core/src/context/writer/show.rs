//! Outputs in several representations: brought into form, their images uploaded, committed in the right order.

use std::future::poll_fn;
use std::task::Poll;

use futures_channel::oneshot;
use futures_util::FutureExt;
use purlin_notebook::{CellId, Event, OutputId, Representations, StreamName};

use super::{AT_ONCE, Writer};
use crate::context::held::Upload;
use crate::handler::Cancelled;
use crate::host::Level;
use crate::limit::bounded;
use crate::media::image::{PNG, describe, is_png, large, replace};
use crate::media::{MediaBundle, validate_media_bundle};

/// What an output in several representations is for.
struct Shown {
    adds: bool,
    display: Option<String>,
    build: Box<dyn FnOnce(Representations) -> Event>,
}

impl Writer {
    /// Puts out an output in several representations; its position is that of this call, however long an upload takes.
    pub(crate) fn show(
        &self,
        bundle: MediaBundle,
        display: Option<String>,
        build: impl FnOnce(OutputId, CellId, f64, Representations) -> Event + 'static,
    ) -> OutputId {
        let id = self.new_output();
        if self.state.borrow().closed {
            return id;
        }
        self.end_group();
        let (position, cell, output) = (self.next_position(), self.cell.clone(), id.clone());
        let build = Box::new(move |representations| build(output, cell, position, representations));
        self.prepare(bundle, Shown { adds: true, display, build });
        id
    }

    /// Changes the displays of an id.
    pub(crate) fn update(&self, bundle: MediaBundle, display_id: String) {
        let display = Some(display_id.clone());
        let build =
            Box::new(|representations| Event::MultimediaDisplayOutputUpdated { display_id, representations });
        self.prepare(bundle, Shown { adds: false, display, build });
    }

    /// Tells whether nothing is being uploaded, and nothing waits for it.
    pub(crate) async fn uploaded(&self) {
        poll_fn(|cx| {
            let mut state = self.state.borrow_mut();
            if state.held.is_empty() || state.closed || state.failure.is_some() {
                return Poll::Ready(());
            }
            state.backlog.wait(cx.waker());
            Poll::Pending
        })
        .await;
    }

    /// Puts out bytes of a process and waits until the store has taken what was put out before. Now and then others
    /// run first, so that a handler that never waits for anything else starves nobody.
    pub(crate) async fn write(&self, name: StreamName, bytes: &[u8]) -> Result<(), Cancelled> {
        self.terminal(name, bytes);
        let ran = self.state.borrow().ran + bytes.len();
        self.state.borrow_mut().ran = if ran < AT_ONCE { ran } else { 0 };
        if ran >= AT_ONCE {
            let (turn, ours) = oneshot::channel();
            // A task of its own is behind all that are ready; it says so by ending.
            let task = self.host.spawn(Box::pin(async move { turn.send(()).unwrap_or_default() }));
            ours.await.unwrap_or_default();
            drop(task);
        }
        poll_fn(|cx| {
            let mut state = self.state.borrow_mut();
            if state.failure.is_some() {
                return Poll::Ready(Err(Cancelled));
            }
            if state.backlog.is_empty() || state.closed {
                return Poll::Ready(Ok(()));
            }
            state.backlog.wait(cx.waker());
            Poll::Pending
        })
        .await
    }

    fn prepare(&self, bundle: MediaBundle, shown: Shown) {
        let mut representations = validate_media_bundle(bundle).into_representations();
        let Some(bytes) = large(&representations, self.settings.image_artifact_threshold) else {
            return self.deliver(shown, representations);
        };
        let size = bytes.len();
        if !is_png(&bytes) {
            self.warn(size, "it is no PNG, its signature is missing.");
            return self.deliver(shown, representations);
        }
        if !self.state.borrow().held.has_room(size) {
            self.warn(size, "too many uploads are under way.");
            return self.deliver(shown, representations);
        }
        let mut upload = self.artifacts.submit(bytes, PNG);
        if let Some(answer) = (&mut upload).now_or_never() {
            self.place(&mut representations, PNG, size, answer);
            return self.deliver(shown, representations);
        }
        let mut state = self.state.borrow_mut();
        let (number, this) = (state.held.number(), self.this.clone());
        let task = self.host.spawn(Box::pin(async move {
            let answer = upload.await;
            if let Some(writer) = this.upgrade() {
                writer.arrived(number, answer);
            }
        }));
        let Shown { adds, display, build } = shown;
        let upload = Upload { representations, mime: PNG.to_owned(), bytes: size, build };
        state.held.upload(number, (adds, display), upload, task);
    }

    /// Commits what is complete, or lets it wait for an upload that concerns the same display.
    fn deliver(&self, shown: Shown, representations: Representations) {
        let Shown { adds, display, build } = shown;
        let event = build(self.complete(representations));
        if self.state.borrow().held.concerns(display.as_deref()) {
            self.state.borrow_mut().held.wait(adds, display, event);
        } else {
            self.commit_or_fail(vec![event]);
        }
    }

    fn complete(&self, representations: Representations) -> Representations {
        let mut representations = bounded(representations, &self.artifacts);
        describe(&mut representations, &*self.artifacts);
        representations
    }

    /// Puts the artifact in the image's place; without one the image stays where it is.
    fn place(&self, to: &mut Representations, mime: &str, size: usize, answer: Result<String, String>) {
        match answer {
            Ok(id) => replace(to, mime, id, size, self.host.now()),
            Err(why) => self.warn(size, &why),
        }
    }

    fn warn(&self, size: usize, why: &str) {
        self.log(Level::Warn, &format!("An image of {size} bytes stays inline: {why}"));
    }

    fn arrived(&self, number: u64, answer: Result<String, String>) {
        let upload = self.state.borrow_mut().held.arrived(number);
        let Some(upload) = upload else { return };
        self.complete_upload(number, upload, answer);
        loop {
            let next = self.state.borrow_mut().held.next();
            let Some((number, event)) = next else { break };
            self.commit_of_call(vec![event], number);
        }
        self.state.borrow_mut().backlog.wake();
    }

    fn complete_upload(&self, number: u64, upload: Upload, answer: Result<String, String>) {
        let Upload { mut representations, mime, bytes, build } = upload;
        self.place(&mut representations, &mime, bytes, answer);
        let event = build(self.complete(representations));
        self.state.borrow_mut().held.complete(number, event);
    }

    /// Ends the uploads that are under way; their images stay inline.
    pub(super) fn break_off_uploads(&self) -> Vec<Event> {
        let uploads = self.state.borrow_mut().held.break_off();
        for (number, upload) in uploads {
            self.complete_upload(
                number,
                upload,
                Err("the execution ended before its upload did.".to_owned()),
            );
        }
        std::iter::from_fn(|| self.state.borrow_mut().held.next()).map(|(_, event)| event).collect()
    }
}
