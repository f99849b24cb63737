//! From the store's branch to the messages a model is sent.

use std::collections::{HashMap, HashSet};

use purlin_notebook::{
    BranchCell, CellId, CellKind, Event, Media, Output, OutputId, OutputMeta, OutputType, Role, Store,
    StoreError, StoreExt, TOOL_CALL_MIME, TOOL_RESULT_MIME, ToolCallStatus,
};
use serde_json::{Value, json};

use super::run::{Run, Stop};
use crate::request::{Message, Opaque, Part, Speaker};
use crate::tools::clip;

/// What the model reads for a call that a kill cut off.
pub(crate) const INTERRUPTED: &str = "Error: the tool was interrupted because the program ended; it may have run in part. Check before you run it again.";

/// What the model reads for a call that had not been started yet: its start is written before it runs.
const NOT_STARTED: &str = "Error: the program ended before the tool was started; nothing of it ran.";
/// Bytes of a shell cell's output that models are shown.
const SHELL_LIMIT: usize = 16 * 1024;

/// The history of a branch.
#[derive(Debug, Default)]
pub(crate) struct History {
    /// Messages, oldest first.
    pub(crate) messages: Vec<Message>,
    /// Ids of all tool calls.
    pub(crate) calls: HashSet<String>,
    /// Calls without a result.
    pub(crate) open: Vec<OpenCall>,
}

/// A tool call without a result.
#[derive(Clone, Debug)]
pub(crate) struct OpenCall {
    pub(crate) cell: CellId,
    pub(crate) call_id: String,
    pub(crate) name: String,
    /// Position after the last output of its cell.
    pub(crate) position: f64,
}

/// Reads the messages of a branch; `current` is the cell being executed and `prompt` its text.
pub(crate) fn read(
    store: &dyn Store,
    path: &[BranchCell],
    current: &CellId,
    prompt: &str,
) -> Result<History, StoreError> {
    let mut history = History::default();
    for branch in path {
        if !branch.cell.ai_context_visible {
            continue;
        }
        match branch.kind() {
            CellKind::Ai => {
                let prepared = branch.annotation.as_ref().and_then(|a| a.prepared_text.as_deref());
                let text =
                    if branch.cell.id == *current { prompt } else { prepared.unwrap_or(&branch.cell.source) };
                history.prompt(store, &branch.cell.id, text)?;
            }
            CellKind::Note | CellKind::Raw => history.note(branch),
            kind => {
                if !branch.annotation.as_ref().is_some_and(|a| a.hidden) {
                    history.executed(store, branch, kind)?;
                }
            }
        }
    }
    Ok(history)
}

impl History {
    fn prompt(&mut self, store: &dyn Store, cell: &CellId, text: &str) -> Result<(), StoreError> {
        let outputs = store.outputs_of(cell)?;
        let (injected, others): (Vec<_>, Vec<_>) =
            outputs.into_iter().partition(|output| output.role() == Some(Role::Inject));
        for output in &injected {
            self.push(output, Speaker::User, Part::Text(store.text_of(output)?));
        }
        self.messages.push(Message::text(cell.as_str(), Speaker::User, text));
        let after = others.last().map_or(0.0, |last| last.position + 1.0);
        let mut open: Vec<OpenCall> = Vec::new();
        for output in &others {
            let Some(meta) = output.meta() else { continue };
            match meta.role {
                Role::Text => self.push(output, Speaker::Assistant, Part::Text(store.text_of(output)?)),
                Role::Thinking => {
                    let opaque = meta.opaque.and_then(|value| serde_json::from_value::<Opaque>(value).ok());
                    let text = if opaque.is_some() { String::new() } else { store.text_of(output)? };
                    self.push(output, Speaker::Assistant, Part::Thinking { text, opaque });
                }
                Role::ToolCall => {
                    if let Some((id, name, arguments)) = call_of(output) {
                        self.calls.insert(id.clone());
                        open.push(OpenCall {
                            cell: cell.clone(),
                            call_id: id.clone(),
                            name: name.clone(),
                            position: after,
                        });
                        self.push(output, Speaker::Assistant, Part::ToolCall { id, name, arguments });
                    }
                }
                Role::ToolResult => {
                    if let Some((id, content, is_error)) = result_of(output) {
                        open.retain(|call| call.call_id != id);
                        self.push(output, Speaker::User, Part::ToolResult { id, content, is_error });
                    }
                }
                Role::Steer => self.push(output, Speaker::User, Part::Text(store.text_of(output)?)),
                Role::Inject | Role::ToolOutput | Role::Note => {}
            }
        }
        self.open.extend(open);
        Ok(())
    }

    /// A note that is meant for models, too.
    fn note(&mut self, branch: &BranchCell) {
        let data = branch.annotation.as_ref().and_then(|annotation| annotation.data.as_ref());
        let meant = data.is_some_and(|data| data.get(crate::session::FOR_MODEL) == Some(&Value::Bool(true)));
        if meant && !branch.cell.source.trim().is_empty() {
            self.messages.push(Message::text(
                branch.cell.id.as_str(),
                Speaker::User,
                branch.cell.source.as_str(),
            ));
        }
    }

    /// What a person ran themselves, as context.
    fn executed(&mut self, store: &dyn Store, branch: &BranchCell, kind: CellKind) -> Result<(), StoreError> {
        let mut printed = String::new();
        for output in store.outputs_of(&branch.cell.id)? {
            if output.output_type == OutputType::Error {
                let error: Value =
                    serde_json::from_str(output.data.as_deref().unwrap_or_default()).unwrap_or_default();
                printed.push_str(error["evalue"].as_str().unwrap_or_default());
                printed.push('\n');
            } else {
                printed.push_str(&store.text_of(&output)?);
            }
        }
        let source = branch.cell.source.trim();
        if source.is_empty() {
            return Ok(());
        }
        let printed = clip(printed.trim_end(), SHELL_LIMIT, None);
        let text = format!("I ran this ({kind}):\n```\n{source}\n```\nIt printed:\n```\n{printed}\n```");
        self.messages.push(Message::text(branch.cell.id.as_str(), Speaker::User, text));
        Ok(())
    }

    fn push(&mut self, output: &Output, speaker: Speaker, part: Part) {
        self.messages.push(Message { id: output.id.as_str().to_owned(), speaker, part });
    }
}

/// Id, name and arguments of a tool call's output.
pub(crate) fn call_of(output: &Output) -> Option<(String, String, Value)> {
    let value = inline(output, TOOL_CALL_MIME)?;
    let text = |name: &str| value[name].as_str().map(str::to_owned);
    Some((text("tool_call_id")?, text("tool_name")?, value["arguments"].clone()))
}

/// Call id, text and failure of a tool result's output.
pub(crate) fn result_of(output: &Output) -> Option<(String, String, bool)> {
    let value = inline(output, TOOL_RESULT_MIME)?;
    let content = value["result"].as_str().map_or_else(|| value["result"].to_string(), str::to_owned);
    Some((value["tool_call_id"].as_str()?.to_owned(), content, value["status"] == "error"))
}

fn inline<'a>(output: &'a Output, mime: &str) -> Option<&'a Value> {
    match output.representations.as_ref()?.get(mime)? {
        Media::Inline { data, .. } => Some(data),
        Media::Artifact { .. } => None,
    }
}

/// The representations of a tool result; facts for renderers travel in the metadata.
pub(crate) fn result_media(call_id: &str, content: &str, is_error: bool, details: Option<&Value>) -> Media {
    let status = if is_error { "error" } else { "success" };
    let data = json!({"tool_call_id": call_id, "status": status, "result": content});
    let metadata = details.filter(|details| !details.is_null()).map(|details| {
        let mut map = serde_json::Map::new();
        map.insert("details".to_owned(), details.clone());
        map
    });
    Media::Inline { data, metadata }.with_meta(&OutputMeta::new(Role::ToolResult).with_call(call_id))
}

impl Run {
    /// Gives every call that a killed run left open a result, so that each call has exactly one.
    pub(super) fn mend(&mut self, open: Vec<OpenCall>) -> Result<(), Stop> {
        let mut events = Vec::new();
        let store = self.cx.store();
        for (index, call) in open.into_iter().enumerate() {
            // Whoever settled the lost execution has ended its calls already.
            let known = store.tool_call(&call.call_id)?;
            let ended = known.as_ref().is_some_and(|known| known.status.is_some());
            let started = known.as_ref().is_some_and(|known| known.output_id.is_some());
            let content = if started { INTERRUPTED } else { NOT_STARTED };
            let id = OutputId::from(self.cx.new_id());
            let own = call.cell == self.cx.cell.id;
            let position = if own { self.cx.next_position() } else { call.position + index as f64 };
            let media = result_media(&call.call_id, content, true, None);
            events.push(Event::MultimediaDisplayOutputAdded {
                id: id.clone(),
                cell_id: call.cell,
                position,
                representations: [(TOOL_RESULT_MIME.to_owned(), media)].into(),
                display_id: None,
            });
            if !ended {
                events.push(Event::ToolCallEnded {
                    tool_call_id: call.call_id.clone(),
                    status: ToolCallStatus::Interrupted,
                    duration_ms: 0,
                });
            }
            let part = Part::ToolResult { id: call.call_id, content: content.to_owned(), is_error: true };
            self.history.push(Message { id: id.into_string(), speaker: Speaker::User, part });
            tracing::info!(tool = call.name, "gave an interrupted tool call a result");
        }
        if !events.is_empty() {
            self.cx.commit(events)?;
        }
        Ok(())
    }
}

/// Puts each call's result right behind the turn that asked for it, makes up missing ones, drops stray ones.
///
/// Providers refuse a history in which this does not hold, whatever extensions made of it.
pub(crate) fn pair(messages: Vec<Message>) -> Vec<Message> {
    let mut results: HashMap<String, Message> = HashMap::new();
    for message in &messages {
        if let Part::ToolResult { id, .. } = &message.part {
            results.entry(id.clone()).or_insert_with(|| message.clone());
        }
    }
    let mut paired = Paired { out: Vec::with_capacity(messages.len()), waiting: Vec::new(), results };
    let mut answered = false;
    for message in messages {
        match &message.part {
            Part::ToolResult { .. } => {
                answered = true;
                continue;
            }
            _ if message.speaker == Speaker::User || answered => paired.flush(),
            _ => {}
        }
        answered = false;
        if let Part::ToolCall { id, .. } = &message.part {
            paired.waiting.push(id.clone());
        }
        paired.out.push(message);
    }
    paired.flush();
    paired.out
}

struct Paired {
    out: Vec<Message>,
    waiting: Vec<String>,
    results: HashMap<String, Message>,
}

impl Paired {
    fn flush(&mut self) {
        for id in self.waiting.drain(..) {
            let result = self.results.remove(&id).unwrap_or_else(|| Message {
                id: format!("result-{id}"),
                speaker: Speaker::User,
                part: Part::ToolResult { id, content: INTERRUPTED.to_owned(), is_error: true },
            });
            self.out.push(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(messages: &[Message]) -> String {
        let one = |message: &Message| match &message.part {
            Part::Text(text) => text.clone(),
            Part::Thinking { .. } => "thinking".into(),
            Part::ToolCall { id, .. } => format!("call:{id}"),
            Part::ToolResult { id, is_error, .. } => {
                format!("result:{id}{}", if *is_error { "!" } else { "" })
            }
        };
        messages.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn parse(text: &str) -> Vec<Message> {
        let one = |word: &str| {
            let (speaker, part) = match word.split_once(':') {
                Some(("call", id)) => (
                    Speaker::Assistant,
                    Part::ToolCall { id: id.into(), name: "t".into(), arguments: json!({}) },
                ),
                Some(("result", id)) => (
                    Speaker::User,
                    Part::ToolResult { id: id.into(), content: String::new(), is_error: false },
                ),
                _ if word.starts_with('a') => (Speaker::Assistant, Part::Text(word.into())),
                _ => (Speaker::User, Part::Text(word.into())),
            };
            Message { id: word.into(), speaker, part }
        };
        text.split_whitespace().map(one).collect()
    }

    #[test]
    fn each_call_has_its_result_right_behind_its_turn() {
        for (given, expected) in [
            ("u a call:1 call:2 result:2 u2 result:1 a2", "u a call:1 call:2 result:1 result:2 u2 a2"),
            ("u call:1", "u call:1 result:1!"),
            ("u call:1 u2", "u call:1 result:1! u2"),
            ("u result:9 a", "u a"),
            ("u call:1 result:1 call:2 result:2 a", "u call:1 result:1 call:2 result:2 a"),
            ("u call:1 result:1 result:1 a", "u call:1 result:1 a"),
        ] {
            assert_eq!(show(&pair(parse(given))), expected, "{given}");
        }
    }
}
