//! Making a block from the store.

use purlin_kernel::{Block, Object};
use purlin_notebook::{
    CellId, CellKind, ExecutionState, Media, Output, OutputId, OutputType, Store, StoreError, StoreExt,
    ToolCallStatus, stream_groups,
};
use serde_json::{Value, json};

use super::cache::Loaded;
use super::entry::{Entry, Kind, Section};
use super::left_out::left_out;
use crate::handler::{call_of, result_of};

/// Why a cell failed that says nothing of it itself.
const LOST: &str = "the runtime was lost";

/// Reads the block of an entry; `growing` tells whether its text may still grow.
pub(super) fn load(
    store: &dyn Store,
    section: &Section,
    entry: &Entry,
    growing: bool,
) -> Result<Loaded, StoreError> {
    let mut made = Made::default();
    let (kind, role) = match &entry.kind {
        Kind::Prompt => {
            made.source(store, &section.cell)?;
            made.sent(store, &section.cell)?;
            ("prompt", "user")
        }
        Kind::Closing(text) => {
            (*text).clone_into(&mut made.text);
            made.meta.insert("level".into(), "warn".into());
            ("note", "note")
        }
        Kind::Note(None) => {
            made.source(store, &section.cell)?;
            made.facts(store, &section.cell)?;
            ("note", "note")
        }
        Kind::Note(Some(id)) => {
            made.output(store, id)?;
            ("note", "note")
        }
        Kind::Steer(id) => {
            made.output(store, id)?;
            made.meta.insert("steer".into(), true.into());
            ("prompt", "user")
        }
        Kind::Text(id) | Kind::Display(id) => {
            made.output(store, id)?;
            ("text", "assistant")
        }
        Kind::Thinking(id) => {
            made.output(store, id)?;
            ("thinking", "assistant")
        }
        Kind::Error(id) => {
            made.error(store, id)?;
            ("error", "error")
        }
        Kind::Tool { call, call_id, printed, result } => {
            made.tool(store, section, call, call_id)?;
            made.tool_text(store, printed, result.as_ref())?;
            ("tool", "tool")
        }
        Kind::Shell { outputs } => {
            made.shell(store, section, outputs)?;
            ("shell", "user")
        }
    };
    if matches!(kind, "tool" | "shell") {
        made.left_out();
    }
    // A note says itself how it wants to be shown.
    let (kind, role) = match entry.kind {
        Kind::Note(None) => (made.own("kind", kind), made.own("role", role)),
        _ => (kind.to_owned(), role.to_owned()),
    };
    let block = Block {
        id: entry.id.clone(),
        kind,
        role,
        text: made.text,
        streaming: growing,
        hidden: false,
        created_at: entry.at,
        meta: made.meta,
        revision: entry.revision,
    };
    Ok(Loaded { block, tail: made.tail })
}

/// What stands in place of a block that cannot be read.
pub(super) fn unreadable(id: &str, revision: u64, error: &StoreError) -> Block {
    Block {
        id: id.to_owned(),
        kind: "error".to_owned(),
        role: "error".to_owned(),
        text: format!("This part of the session cannot be read: {error}"),
        streaming: false,
        hidden: false,
        created_at: 0,
        meta: Object::new(),
        revision,
    }
}

/// The text and facts of a block while they are read.
#[derive(Default)]
struct Made {
    text: String,
    meta: Object,
    tail: Option<(OutputId, i64)>,
}

impl Made {
    fn source(&mut self, store: &dyn Store, cell: &CellId) -> Result<(), StoreError> {
        if let Some(cell) = store.cell(cell)? {
            self.text.push_str(&cell.source);
            let waits = cell.execution_state == ExecutionState::Queued;
            if waits {
                self.meta.insert("queued".into(), true.into());
            }
        }
        Ok(())
    }

    /// Notes what an extension made of a prompt, where that is what models read.
    fn sent(&mut self, store: &dyn Store, cell: &CellId) -> Result<(), StoreError> {
        if let Some(text) = store.annotation(cell)?.and_then(|annotation| annotation.prepared_text) {
            self.meta.insert("sent".into(), text.into());
        }
        Ok(())
    }

    /// Takes a word that a note says about itself; the stock one without it.
    fn own(&mut self, name: &str, stock: &str) -> String {
        match self.meta.shift_remove(name) {
            Some(Value::String(word)) if !word.is_empty() => word,
            _ => stock.to_owned(),
        }
    }

    /// Takes over what a note's extension has written down about it.
    fn facts(&mut self, store: &dyn Store, cell: &CellId) -> Result<(), StoreError> {
        let Some(annotation) = store.annotation(cell)? else { return Ok(()) };
        let mut data = annotation.data.unwrap_or_default();
        if let Some(Value::Object(meta)) = data.shift_remove("meta") {
            self.meta.extend(meta);
        }
        self.meta.extend(data);
        if let Some(extension) = annotation.extension {
            self.meta.insert("extension".into(), extension.into());
        }
        Ok(())
    }

    /// Adds an output's text with its deltas, and remembers where it ends.
    fn output(&mut self, store: &dyn Store, id: &OutputId) -> Result<(), StoreError> {
        let Some(output) = store.output(id)? else { return Ok(()) };
        self.text.push_str(&text_of(&output));
        let mut last = 0;
        for delta in store.deltas_after(id, -1)? {
            self.text.push_str(&delta.delta);
            last = delta.sequence_number;
        }
        self.tail = Some((id.clone(), last));
        Ok(())
    }

    fn error(&mut self, store: &dyn Store, id: &OutputId) -> Result<(), StoreError> {
        let Some(output) = store.output(id)? else { return Ok(()) };
        let error = error_of(&output);
        self.text.push_str(error["evalue"].as_str().unwrap_or_default());
        self.meta.insert("name".into(), error["ename"].clone());
        if let Some(lines) = error["traceback"].as_array().filter(|lines| !lines.is_empty()) {
            let lines: Vec<&str> = lines.iter().filter_map(Value::as_str).collect();
            self.meta.insert("traceback".into(), lines.join("\n").into());
        }
        Ok(())
    }

    fn tool(
        &mut self,
        store: &dyn Store,
        section: &Section,
        call: &OutputId,
        id: &str,
    ) -> Result<(), StoreError> {
        let output = store.output(call)?;
        let (name, mut args) = output
            .as_ref()
            .and_then(call_of)
            .map_or_else(|| ("unknown".to_owned(), Value::Null), |(_, name, args)| (name, args));
        let known = store.tool_call(id)?;
        if let Some(run) =
            known.as_ref().and_then(|known| known.arguments.clone()).filter(|args| !args.is_null())
        {
            args = run;
        }
        let started = known.as_ref().is_some_and(|known| known.output_id.is_some());
        let status = match known.as_ref().and_then(|known| known.status) {
            Some(ToolCallStatus::Success) => "ok",
            Some(ToolCallStatus::Error) => "error",
            Some(ToolCallStatus::Blocked) => "blocked",
            Some(ToolCallStatus::Cancelled) => "cancelled",
            Some(ToolCallStatus::Interrupted) => "interrupted",
            // Nobody runs it any more, and nobody has written that down yet.
            None if !section.running => "interrupted",
            None if started => "running",
            None => "pending",
        };
        self.meta.insert("name".into(), name.into());
        self.meta.insert("args".into(), args);
        self.meta.insert("call_id".into(), id.into());
        self.meta.insert("status".into(), status.into());
        if let Some(duration) = known.and_then(|known| known.duration_ms) {
            self.meta.insert("duration_ms".into(), duration.into());
        }
        Ok(())
    }

    /// The result once there is one, until then what was printed.
    ///
    /// The result of a call that was broken off only says so: what had been shown before stays above it.
    fn tool_text(
        &mut self,
        store: &dyn Store,
        printed: &[OutputId],
        result: Option<&OutputId>,
    ) -> Result<(), StoreError> {
        let result = result.map(|id| store.output(id)).transpose()?.flatten();
        let Some(result) = result else {
            for id in printed {
                self.output(store, id)?;
            }
            return Ok(());
        };
        if let Some((_, content, is_error)) = result_of(&result) {
            if self.meta.get("status").is_some_and(|status| status == "blocked") {
                let reason = content.strip_prefix("Error: ").unwrap_or(&content);
                self.meta.insert("reason".into(), reason.into());
            }
            self.meta.insert("is_error".into(), is_error.into());
            let broken_off = self
                .meta
                .get("status")
                .is_some_and(|status| status == "interrupted" || status == "cancelled");
            if broken_off {
                self.printed_before(store, printed, &content)?;
            }
            self.text.push_str(&content);
            self.tail = None;
        }
        let details = result
            .representations
            .iter()
            .flat_map(|all| all.values())
            .find_map(|media| media.metadata()?.get("details"));
        if let Some(details) = details {
            self.meta.insert("details".into(), details.clone());
        }
        Ok(())
    }

    /// Adds what was printed, unless `result` repeats it.
    fn printed_before(
        &mut self,
        store: &dyn Store,
        printed: &[OutputId],
        result: &str,
    ) -> Result<(), StoreError> {
        for id in printed {
            self.output(store, id)?;
        }
        if result.contains(self.text.trim_end()) {
            self.text.clear();
        } else if !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        Ok(())
    }

    /// Tells where the whole of a text is that was too long for the log.
    fn left_out(&mut self) {
        let artifacts = left_out(&self.text);
        if !artifacts.is_empty() {
            self.meta.insert("artifacts".into(), artifacts.into());
        }
    }

    fn shell(
        &mut self,
        store: &dyn Store,
        section: &Section,
        outputs: &[OutputId],
    ) -> Result<(), StoreError> {
        let mut status = "running";
        if let Some(cell) = store.cell(&section.cell)? {
            status = match cell.execution_state {
                ExecutionState::Queued => "pending",
                ExecutionState::Running if section.running => "running",
                ExecutionState::Running => "interrupted",
                ExecutionState::Error => "error",
                // Never requested means that an extension gave the result; requested and idle means cancelled.
                ExecutionState::Idle if cell.execution_count.is_some() => "cancelled",
                ExecutionState::Idle | ExecutionState::Completed => "ok",
            };
            self.meta.insert("command".into(), cell.source.into());
            if let Some(duration) = cell.last_execution_duration_ms {
                self.meta.insert("duration_ms".into(), duration.into());
            }
        }
        let outputs = outputs.iter().map(|id| store.output(id)).collect::<Result<Vec<_>, _>>()?;
        let outputs: Vec<Output> = outputs.into_iter().flatten().collect();
        // What fails says why among its outputs; one without a word was lost together with its runtime.
        if status == "error" && !outputs.iter().any(|output| output.output_type == OutputType::Error) {
            self.meta.insert("reason".into(), LOST.into());
        }
        let mut after_stream = true;
        for group in stream_groups(&outputs) {
            // Streams share a terminal; whatever else there is begins on a line of its own.
            let stream = group[0].output_type == OutputType::Terminal;
            let in_line = !self.text.is_empty() && !self.text.ends_with('\n');
            if in_line && (!stream || !after_stream) {
                self.text.push('\n');
            }
            after_stream = stream;
            for output in group {
                if output.output_type == OutputType::Error {
                    self.text.push_str(error_of(output)["evalue"].as_str().unwrap_or_default());
                    self.tail = None;
                } else {
                    self.output(store, &output.id)?;
                }
            }
        }
        self.meta.insert("status".into(), status.into());
        self.meta.insert("hidden".into(), section.hidden.into());
        if section.kind != CellKind::Shell {
            self.meta.insert("runtime".into(), section.kind.as_str().into());
        }
        Ok(())
    }
}

fn error_of(output: &Output) -> Value {
    let text = output.data.as_deref().unwrap_or_default();
    serde_json::from_str(text).unwrap_or_else(|_| json!({"ename": "Error", "evalue": text, "traceback": []}))
}

/// The text of an output without its deltas: its own, or the most readable of its representations.
fn text_of(output: &Output) -> String {
    let Some(representations) = &output.representations else {
        let place = output.artifact_id.as_deref().map(|id| format!("[{id}]"));
        return output.data.clone().or(place).unwrap_or_default();
    };
    for mime in ["text/markdown", "text/plain"] {
        if let Some(Media::Inline { data: Value::String(text), .. }) = representations.get(mime) {
            return text.clone();
        }
    }
    let mimes: Vec<&str> = representations.keys().map(String::as_str).collect();
    format!("[{}]", mimes.join(", "))
}
