//! What the model says, on its way into outputs.

use std::time::Duration;

use purlin_notebook::{Event, Media, OutputId, OutputMeta, Role};
use purlin_runtime_core::{ExecutionContext, TextKind, TextStream};
use serde_json::Value;

use crate::hooks::{self, Raiser, payload};
use crate::model::ModelRef;
use crate::request::{Message, Opaque, Part, Speaker};

/// How long streamed text is collected for hooks.
pub(crate) const FRAME: Duration = Duration::from_millis(33);

/// The text and reasoning of one answer: puts it out as it comes and keeps it for the history.
pub(crate) struct Speech {
    cx: ExecutionContext,
    hooks: Raiser,
    model: ModelRef,
    api: String,
    message_id: String,
    open: Option<Open>,
    /// What `output_append` has not seen yet.
    held: Piece,
    /// What observers of deltas have not seen yet.
    untold: Piece,
    told_at: u64,
    /// Whether anything was put out.
    pub(crate) spoke: bool,
    /// The whole text of the answer.
    pub(crate) text: String,
    /// What was said, for the history.
    pub(crate) parts: Vec<Message>,
    /// The last output of text.
    pub(crate) last_output: Option<OutputId>,
}

/// The output that text is being appended to.
struct Open {
    role: Role,
    stream: TextStream,
    text: String,
}

/// Text of one role.
#[derive(Default)]
struct Piece {
    role: Option<Role>,
    text: String,
}

impl Speech {
    pub(crate) fn new(cx: &ExecutionContext, hooks: &Raiser, model: &ModelRef, api: &str) -> Self {
        Self {
            cx: cx.clone(),
            hooks: hooks.clone(),
            model: model.clone(),
            api: api.to_owned(),
            message_id: cx.new_id(),
            open: None,
            held: Piece::default(),
            untold: Piece::default(),
            told_at: cx.host().mono(),
            spoke: false,
            text: String::new(),
            parts: Vec::new(),
            last_output: None,
        }
    }

    /// Takes the next delta.
    pub(crate) async fn say(&mut self, role: Role, text: &str) {
        self.begin();
        if self.hooks.wants(&hooks::OUTPUT_APPEND) {
            if self.held.role.is_some_and(|held| held != role) {
                self.release().await;
            }
            self.held.role = Some(role);
            self.held.text.push_str(text);
        } else {
            self.put(role, text);
        }
        if self.cx.host().mono().saturating_sub(self.told_at) >= FRAME.as_millis() as u64 {
            self.release().await;
        }
    }

    /// Ends a block of reasoning; its opaque item becomes an output of its own, without text.
    pub(crate) async fn thought(&mut self, opaque: Option<Value>) {
        self.pause().await;
        let Some(item) = opaque else { return };
        self.begin();
        let ModelRef { provider, model } = self.model.clone();
        let opaque = Opaque { api: self.api.clone(), provider, model, item };
        let id = OutputId::from(self.cx.new_id());
        let mut meta = OutputMeta::new(Role::Thinking);
        meta.opaque = serde_json::to_value(&opaque).ok();
        let event = Event::MarkdownOutputAdded {
            id: id.clone(),
            cell_id: self.cx.cell.id.clone(),
            position: self.cx.next_position(),
            content: Media::text("").with_meta(&meta),
        };
        // A store that refuses ends the run at its next commit, which reports it.
        if let Err(error) = self.cx.commit(vec![event]) {
            tracing::warn!(%error, "an item of reasoning could not be kept");
        }
        let part = Part::Thinking { text: String::new(), opaque: Some(opaque) };
        self.parts.push(Message { id: id.into_string(), speaker: Speaker::Assistant, part });
    }

    /// Whether something waits for [`Self::release`].
    pub(crate) fn holds(&self) -> bool {
        self.held.role.is_some() || self.untold.role.is_some()
    }

    /// Hands on what was held back for hooks.
    pub(crate) async fn release(&mut self) {
        if let Some(role) = self.held.role.take() {
            let text = std::mem::take(&mut self.held.text);
            let (role, text) = self.rewritten(role, text).await;
            self.put(role, &text);
        }
        self.tell();
        self.told_at = self.cx.host().mono();
    }

    /// Ends the current output, because something else follows.
    pub(crate) async fn pause(&mut self) {
        self.release().await;
        self.begin();
        self.close();
    }

    /// Ends the answer.
    pub(crate) async fn finish(&mut self) {
        if self.spoke {
            self.pause().await;
            let (id, text) = (&self.message_id, &self.text);
            self.hooks.observe::<hooks::MessageEnd>(|| payload!({"message_id": id, "content": text}));
        }
    }

    fn begin(&mut self) {
        if !std::mem::replace(&mut self.spoke, true) {
            let id = &self.message_id;
            self.hooks.observe::<hooks::MessageStart>(|| payload!({"message_id": id}));
        }
    }

    /// What handlers of `output_append` make of a piece.
    async fn rewritten(&self, role: Role, text: String) -> (Role, String) {
        let id = &self.message_id;
        let fields = || payload!({"text": text, "role": role.as_str(), "message_id": id});
        let Some((answer, _)) = self.hooks.raise::<hooks::OutputAppend>(fields).await else {
            return (role, text);
        };
        let role = match answer.role.as_deref() {
            Some("text") => Role::Text,
            Some("thinking") => Role::Thinking,
            _ => role,
        };
        (role, answer.text.unwrap_or(text))
    }

    fn put(&mut self, role: Role, text: &str) {
        if text.is_empty() {
            return;
        }
        if self.open.as_ref().is_some_and(|open| open.role != role) {
            self.close();
        }
        let cx = &self.cx;
        let open = self.open.get_or_insert_with(|| Open {
            role,
            stream: cx.open_text(TextKind::Markdown, OutputMeta::new(role)),
            text: String::new(),
        });
        open.stream.append(text);
        open.text.push_str(text);
        if role == Role::Text {
            self.text.push_str(text);
        }
        let wanted = match role {
            Role::Thinking => self.hooks.wants(&hooks::THINKING_DELTA),
            _ => self.hooks.wants(&hooks::MESSAGE_UPDATE),
        };
        if wanted {
            if self.untold.role.is_some_and(|untold| untold != role) {
                self.tell();
            }
            self.untold.role = Some(role);
            self.untold.text.push_str(text);
        }
    }

    fn close(&mut self) {
        self.tell();
        let Some(open) = self.open.take() else { return };
        open.stream.finish();
        let id = open.stream.id();
        let part = if open.role == Role::Thinking {
            Part::Thinking { text: open.text, opaque: None }
        } else {
            self.last_output = Some(id.clone());
            Part::Text(open.text)
        };
        self.parts.push(Message { id: id.into_string(), speaker: Speaker::Assistant, part });
    }

    /// Tells observers what was put out since the last time.
    fn tell(&mut self) {
        let Some(role) = self.untold.role.take() else { return };
        let text = std::mem::take(&mut self.untold.text);
        let id = &self.message_id;
        let fields = || payload!({"chunk": text, "text": text, "message_id": id});
        if role == Role::Thinking {
            self.hooks.observe::<hooks::ThinkingDelta>(fields);
        } else {
            self.hooks.observe::<hooks::MessageUpdate>(fields);
        }
    }
}
