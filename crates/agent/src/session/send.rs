//! Sending prompts and steering messages.

use std::collections::BTreeMap;

use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use purlin_notebook::order::{self, Placed, Spot};
use purlin_notebook::{CellId, CellKind, CellType, Event, QueueId, StoreExt};
use purlin_runtime_core::new_id;

use super::{Session, SessionError, SessionState, Source, Submitted, Tail};
use crate::hooks::{self, payload};

/// Characters of the first prompt that become the session's title.
const TITLE: usize = 80;

/// Makes the event of an output once the id of its cell is known.
pub(super) type MakeOutput = Box<dyn FnOnce(&CellId) -> Event>;

/// A cell that is about to be made.
pub(super) struct NewCell {
    pub(super) source: String,
    pub(super) kind: CellKind,
    pub(super) cell_type: CellType,
    pub(super) hidden: bool,
    pub(super) prepared_text: Option<String>,
    pub(super) attachments: Vec<String>,
    pub(super) request: bool,
    /// The extension that makes it.
    pub(super) extension: Option<String>,
    /// Further facts of extensions.
    pub(super) data: Option<BTreeMap<String, serde_json::Value>>,
}

impl NewCell {
    /// A cell that is shown and not executed.
    pub(super) fn new(source: String, kind: CellKind, cell_type: CellType) -> Self {
        Self {
            source,
            kind,
            cell_type,
            hidden: false,
            prepared_text: None,
            attachments: Vec::new(),
            request: false,
            extension: None,
            data: None,
        }
    }
}

impl Session {
    /// Sends a prompt: raises `input` and `prompt_prepare`, then commits the cell and asks for its execution.
    pub fn submit(
        &self,
        text: &str,
        source: Source,
        attachments: Vec<String>,
    ) -> LocalBoxFuture<'static, Result<Submitted, SessionError>> {
        let (session, typed) = (self.clone(), text.trim_end().to_owned());
        async move {
            if typed.trim().is_empty() && attachments.is_empty() {
                return Err(SessionError::Empty);
            }
            let Some((text, attachments)) = session.prepare(&typed, source, attachments).await else {
                return Ok(Submitted::Handled);
            };
            let cell = NewCell {
                prepared_text: (text != typed).then_some(text),
                attachments,
                request: true,
                ..NewCell::new(typed, CellKind::Ai, CellType::Ai)
            };
            let (cell, queue) = session.commit_cell(cell, Vec::new()).await?;
            Ok(Submitted::Prompt { cell, queue })
        }
        .boxed_local()
    }

    /// Sends a message to the running prompt; without one it is sent as a prompt.
    pub fn steer(
        &self,
        text: &str,
        source: Source,
    ) -> LocalBoxFuture<'static, Result<Submitted, SessionError>> {
        let (session, text) = (self.clone(), text.trim_end().to_owned());
        async move {
            session.refresh();
            let SessionState::Working { cell, .. } = session.state() else {
                return session.submit(&text, source, Vec::new()).await;
            };
            if text.trim().is_empty() {
                return Err(SessionError::Empty);
            }
            let inner = &session.0;
            let Some(text) = session.input(&text, source, &[]).await else { return Ok(Submitted::Handled) };
            let id = new_id(&*inner.options.host);
            // Noted before the commit: the agent may take it before the answer to the commit is here.
            inner.steers.borrow_mut().push((id.clone(), cell.clone()));
            let event = Event::SteerSent {
                id: id.clone(),
                cell_id: cell.clone(),
                text,
                attachments: Vec::new(),
                by: inner.options.by.clone(),
            };
            inner.committer.post(vec![event]).await?;
            Ok(Submitted::Steer { id, cell })
        }
        .boxed_local()
    }

    /// Stops what is running; what waits behind it is cancelled by the agent that owns the lane.
    pub fn interrupt(&self, reason: &str) -> LocalBoxFuture<'static, Result<bool, SessionError>> {
        let (session, reason) = (self.clone(), reason.to_owned());
        async move {
            session.refresh();
            let inner = &session.0;
            let entries = session.0.state.borrow().active.clone();
            let any = !entries.is_empty();
            let events = entries.into_iter().map(|(queue_id, cell_id)| Event::ExecutionCancelled {
                queue_id,
                cell_id,
                cancelled_by: inner.options.by.clone(),
                actor_id: None,
                reason: reason.clone(),
            });
            let events: Vec<Event> = events.collect();
            if any {
                inner.committer.post(events).await?;
            }
            Ok(any)
        }
        .boxed_local()
    }

    /// Raises `input`; `None` if a handler dealt with it.
    async fn input(&self, text: &str, source: Source, attachments: &[String]) -> Option<String> {
        let fields = || payload!({"text": text, "source": source.as_str(), "attachments": attachments});
        let Some((answer, _)) = self.0.hooks.raise::<hooks::Input>(fields).await else {
            return Some(text.to_owned());
        };
        if answer.action.as_deref() == Some("handled") {
            return None;
        }
        Some(answer.text.unwrap_or_else(|| text.to_owned()))
    }

    async fn prepare(
        &self,
        typed: &str,
        source: Source,
        attachments: Vec<String>,
    ) -> Option<(String, Vec<String>)> {
        let text = self.input(typed, source, &attachments).await?;
        let id = self.id();
        let fields = || payload!({"text": text, "attachments": attachments, "session_id": id.as_str()});
        let Some((answer, _)) = self.0.hooks.raise::<hooks::PromptPrepare>(fields).await else {
            return Some((text, attachments));
        };
        Some((answer.text.unwrap_or(text), answer.attachments.unwrap_or(attachments)))
    }

    /// Commits a new cell after all others, with `outputs` behind it, and asks for its execution.
    pub(super) async fn commit_cell(
        &self,
        cell: NewCell,
        outputs: Vec<MakeOutput>,
    ) -> Result<(CellId, QueueId), SessionError> {
        let inner = &self.0;
        let mut tail = inner.sending.lock().await;
        let first = !self.exists();
        let id = CellId::from(new_id(&*inner.options.host));
        let queue_id = QueueId::from(new_id(&*inner.options.host));
        let (parent, place) = self.place(&tail)?;
        let mut events = if first { self.first_events(&cell) } else { Vec::new() };
        events.extend(place.moves);
        events.push(Event::CellCreated2 {
            id: id.clone(),
            fractional_index: place.fractional_index.clone(),
            cell_type: cell.cell_type,
            created_by: inner.options.by.clone(),
        });
        events.push(Event::CellSourceChanged {
            id: id.clone(),
            source: cell.source,
            modified_by: inner.options.by.clone(),
        });
        events.push(Event::CellAnnotated {
            cell_id: id.clone(),
            kind: cell.kind,
            hidden: cell.hidden.then_some(true),
            parent_id: parent,
            after_output: None,
            extension: cell.extension,
            attachments: cell.attachments,
            prepared: Some(true),
            prepared_text: cell.prepared_text,
            data: cell.data,
        });
        // A selected leaf stays behind new cells; without a selection the newest cell is the leaf.
        if inner.read.selected_leaf()?.is_some() {
            events.push(Event::BranchSelected { leaf_id: Some(id.clone()) });
        }
        events.extend(outputs.into_iter().map(|output| output(&id)));
        if cell.request {
            events.push(Event::ExecutionRequested {
                queue_id: queue_id.clone(),
                cell_id: id.clone(),
                execution_count: 1,
                requested_by: inner.options.by.clone(),
                actor_id: None,
            });
        }
        let mut kept = Vec::new();
        if first {
            self.opened("new", None);
            let (waiting, numbers) = inner.kept.take_up();
            events.extend(waiting);
            kept = numbers;
        }
        inner.committer.post(events).await?;
        inner.begun.set(true);
        if first {
            self.keep_the_rest(&kept).await?;
        }
        tail.cell = Some((id.clone(), place.fractional_index));
        Ok((id, queue_id))
    }

    /// The cell that a new one follows, and its place in the order of cells.
    fn place(&self, tail: &Tail) -> Result<(Option<CellId>, Placed), SessionError> {
        let inner = &self.0;
        let last = inner.read.last_cell()?.and_then(|cell| Some((cell.id, cell.fractional_index?)));
        // The reading handle may not have seen what this surface has just committed.
        let last = [last, tail.cell.clone()].into_iter().flatten().max_by(|a, b| a.1.cmp(&b.1));
        let parent = inner.read.selected_leaf()?.or_else(|| last.as_ref().map(|(id, _)| id.clone()));
        let host = &inner.options.host;
        let mut jitter = || {
            let mut bytes = [0; 4];
            host.random(&mut bytes);
            u32::from_le_bytes(bytes)
        };
        let index = order::between(last.as_ref().map(|(_, index)| index.as_str()), None, &mut jitter);
        let place = match index {
            Ok(fractional_index) => Placed { fractional_index, moves: Vec::new() },
            // Another application's key leaves no room behind it: all cells get new ones.
            Err(_) => inner.read.place_cell(&Spot::Last, &mut jitter)?,
        };
        Ok((parent, place))
    }

    /// What a new session says about itself before anything else.
    fn first_events(&self, cell: &NewCell) -> Vec<Event> {
        let inner = &self.0;
        let set = |key: &str, value: String| Event::NotebookMetadataSet { key: key.to_owned(), value };
        let mut events = vec![set("purlin.cwd", inner.options.cwd.display().to_string())];
        if let Some(model) = inner.model.borrow().as_ref() {
            events.push(set("purlin.model", model.to_string()));
        }
        if let Some(level) = inner.thinking.get() {
            events.push(set("purlin.thinking", level.as_str().to_owned()));
        }
        let line = cell.source.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim();
        let title: String = line.chars().take(TITLE).collect();
        events.push(Event::NotebookTitleChanged { title });
        events
    }
}
