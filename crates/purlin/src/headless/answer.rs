//! What a headless run prints: the answer's text as it streams, or one JSON line per notebook event.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use purlin_notebook::{CellId, CompletionStatus, Event, LogEntry, Media, OutputId, QueueId, Role};
use serde_json::{Value, json};

/// How the execution that is followed has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The answer is complete.
    Done,
    /// It failed; the message of the last error, if one was given.
    Failed(Option<String>),
    /// It was interrupted.
    Cancelled,
}

/// Follows one execution through the log.
#[derive(Debug)]
pub struct Answer {
    /// What was not taken yet.
    out: String,
    json: bool,
    cell: CellId,
    queue: QueueId,
    /// The outputs that are part of the answer.
    texts: BTreeSet<OutputId>,
    /// The last character printed; a new output begins on a line of its own.
    last: Option<char>,
    error: Option<String>,
    end: Option<End>,
}

impl Answer {
    /// Follows the execution of a cell.
    pub fn new(json: bool, cell: CellId, queue: QueueId) -> Self {
        Self {
            out: String::new(),
            json,
            cell,
            queue,
            texts: BTreeSet::new(),
            last: None,
            error: None,
            end: None,
        }
    }

    /// How the execution has ended, once it has.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Takes the next entries of the log; what belongs to the answer is printed by [`Answer::printed`].
    pub fn take(&mut self, entries: &[LogEntry]) {
        for entry in entries {
            if self.json {
                self.print_event(entry);
            }
            self.follow(&entry.event);
        }
    }

    /// What is to be printed next.
    pub fn printed(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    /// The line end that ends the output, if it needs one.
    pub fn ending(&self) -> &'static str {
        if !self.json && self.last.is_some_and(|last| last != '\n') { "\n" } else { "" }
    }

    fn print_event(&mut self, entry: &LogEntry) {
        let line = json!({
            "rowid": entry.rowid, "seq": entry.seq, "name": entry.event.name(), "args": entry.event.args(),
            "clientId": entry.client_id, "sessionId": entry.session_id, "at": entry.at,
        });
        // Writing into a string cannot fail.
        let _ = writeln!(self.out, "{line}");
    }

    fn follow(&mut self, event: &Event) {
        match event {
            Event::MarkdownOutputAdded { id, cell_id, content, .. }
                if *cell_id == self.cell && is_text(content) =>
            {
                self.texts.insert(id.clone());
                self.begin();
                self.print(inline(content).as_str().unwrap_or_default());
            }
            Event::MarkdownOutputAppended2 { output_id, delta, .. } if self.texts.contains(output_id) => {
                self.print(delta);
            }
            Event::ErrorOutputAdded { cell_id, content, .. } if *cell_id == self.cell => {
                let value = inline(content);
                self.error = value["evalue"].as_str().map(str::to_owned);
            }
            Event::ExecutionCompleted { queue_id, status, error, .. } if *queue_id == self.queue => {
                self.end = Some(match status {
                    CompletionStatus::Success => End::Done,
                    CompletionStatus::Cancelled => End::Cancelled,
                    CompletionStatus::Error => End::Failed(self.error.take().or_else(|| error.clone())),
                });
            }
            Event::ExecutionCancelled { queue_id, .. } if *queue_id == self.queue => {
                self.end = Some(End::Cancelled);
            }
            _ => {}
        }
    }

    /// Separates an output from the one before it by a blank line.
    fn begin(&mut self) {
        match self.last {
            None => {}
            Some('\n') => self.print("\n"),
            Some(_) => self.print("\n\n"),
        }
    }

    fn print(&mut self, text: &str) {
        if !self.json {
            self.last = text.chars().next_back().or(self.last);
            self.out.push_str(text);
        }
    }
}

fn is_text(content: &Media) -> bool {
    content.meta().is_none_or(|meta| meta.role == Role::Text)
}

fn inline(content: &Media) -> Value {
    match content {
        Media::Inline { data, .. } => data.clone(),
        Media::Artifact { .. } => Value::Null,
    }
}

#[cfg(test)]
mod tests;
