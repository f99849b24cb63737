//! The transcript as extensions write to it: a block that is appended becomes a note of the session.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use purlin_agent::projection::Transcript;
use purlin_agent::{Note, Session};
use purlin_kernel::{Block, BlockSource, ExtId, Kernel, Level, WeakKernel};
use purlin_notebook::Tables;
use purlin_tui::transcript::TRANSCRIPT;
use serde_json::Value;

use crate::session::sentence;

/// Where notes go: to the open session, or to the one that is opened next. Clones are the same place.
#[derive(Clone)]
pub struct Notes(Rc<Inner>);

struct Inner {
    kernel: WeakKernel,
    session: RefCell<Option<Session>>,
    waiting: RefCell<Vec<Note>>,
}

/// A transcript while no session is open.
struct Empty;

impl BlockSource for Empty {
    fn len(&self) -> usize {
        0
    }

    fn range(&self, _: Range<usize>) -> Vec<Rc<Block>> {
        Vec::new()
    }

    fn revision(&self) -> u64 {
        0
    }
}

impl Notes {
    /// Takes over what is appended to the transcript of a kernel.
    pub fn wire(kernel: &Kernel) -> Self {
        let notes = Self(Rc::new(Inner {
            kernel: kernel.downgrade(),
            session: RefCell::default(),
            waiting: RefCell::default(),
        }));
        kernel.buf().set_source(TRANSCRIPT, Some(Rc::new(Empty)));
        let taken = notes.clone();
        kernel.buf().on_append(
            TRANSCRIPT,
            Rc::new(move |ext, block| {
                taken.add(ext, block);
                Ok(())
            }),
        );
        notes
    }

    /// Adds notes to this session from now on, beginning with those that wait.
    pub fn open(&self, session: &Session) {
        self.0.session.replace(Some(session.clone()));
        for note in self.0.waiting.take() {
            self.commit(session, note);
        }
    }

    /// Lets go of the session; notes wait for the next.
    pub fn close(&self) {
        self.0.session.take();
    }

    fn add(&self, ext: ExtId, mut block: Block) {
        let Some(kernel) = self.0.kernel.upgrade() else { return };
        let model = block.meta.shift_remove("model") == Some(Value::Bool(true));
        let mut data = BTreeMap::new();
        for (name, word, stock) in [("kind", block.kind, "note"), ("role", block.role, "note")] {
            if !word.is_empty() && word != stock {
                data.insert(name.to_owned(), Value::String(word));
            }
        }
        if !block.meta.is_empty() {
            data.insert("meta".to_owned(), Value::Object(block.meta));
        }
        let extension = (ext != ExtId::CORE).then(|| kernel.ext().name(ext));
        let note = Note { text: block.text, extension, model, data };
        let session = self.0.session.borrow().clone();
        match session {
            Some(session) => self.commit(&session, note),
            None => self.0.waiting.borrow_mut().push(note),
        }
    }

    fn commit(&self, session: &Session, note: Note) {
        let (kernel, mut noted) = (self.0.kernel.clone(), session.note(note));
        // Takes its place among what is sent at once: a prompt that follows comes behind it.
        let begun = noted.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let noted = async move {
            match begun {
                Poll::Ready(done) => done,
                Poll::Pending => noted.await,
            }
        };
        tokio::task::spawn_local(async move {
            if let (Err(error), Some(kernel)) = (noted.await, kernel.upgrade()) {
                kernel.ui().notify(ExtId::CORE, sentence(&error.to_string()), Level::Error);
            }
        });
    }
}

/// Shows a session's transcript to extensions where no screen does, as long as the kernel lives.
pub fn project(kernel: &Kernel, session: &Session) {
    let store = session.store();
    let Ok(transcript) = Transcript::new(Rc::clone(&store)) else { return };
    let transcript = Rc::new(transcript);
    kernel.buf().set_source(TRANSCRIPT, Some(Rc::clone(&transcript) as _));
    let weak = kernel.downgrade();
    tokio::task::spawn_local(async move {
        let mut changes = store.watch(Tables::LOG);
        while changes.next().await.is_some() {
            let Some(kernel) = weak.upgrade() else { return };
            match transcript.refresh() {
                Ok(true) => kernel.buf().source_changed(TRANSCRIPT),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "the transcript cannot be read"),
            }
        }
    });
}
