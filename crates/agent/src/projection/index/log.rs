//! Keeping the index up to date: what each event of the log means for it.

use purlin_notebook::{
    CellId, CellKind, CompletionStatus, Event, LogEntry, Media, OutputHead, OutputId, OutputMeta, OutputType,
    QueueId, QueueStatus, Representations,
};

use super::{Applied, Index};
use crate::projection::cache::Cache;
use crate::projection::entry::{Entry, Kind};

/// What a prompt ends with that was stopped.
const INTERRUPTED: &str = "Interrupted.";
/// What a prompt ends with whose runtime went away.
const LOST: &str = "Interrupted: purlin ended while it was working.";

impl Index {
    /// Takes in one event of the log.
    pub(in crate::projection) fn apply(&mut self, entry: &LogEntry, cache: &mut Cache) -> Applied {
        if let Some(head) = added(&entry.event) {
            return self.output_added(&head, entry, cache);
        }
        match &entry.event {
            Event::MarkdownOutputAppended2 { output_id, delta, sequence_number, .. }
            | Event::TerminalOutputAppended2 { output_id, delta, sequence_number, .. } => {
                self.appended(output_id, delta, *sequence_number, cache)
            }
            Event::MarkdownOutputAppended { output_id, .. }
            | Event::TerminalOutputAppended { output_id, .. } => self.output_changed(output_id),
            Event::MultimediaDisplayOutputUpdated { .. } => Applied::Anew,
            Event::ToolCallStarted { tool_call_id, .. } | Event::ToolCallEnded { tool_call_id, .. } => {
                let Some(section) = self.calls.get(tool_call_id).copied() else { return Applied::Nothing };
                self.join(section, &tool_call_id.clone(), |_, _| {});
                Applied::Changed
            }
            Event::ExecutionRequested { queue_id, cell_id, .. } => {
                self.queue.insert(queue_id.clone(), cell_id.clone());
                self.running(cell_id, true)
            }
            Event::MultipleExecutionRequested { cells_info, .. } => {
                let mut applied = Applied::Nothing;
                for run in cells_info {
                    self.queue.insert(run.queue_id.clone(), run.id.clone());
                    if self.running(&run.id, true) == Applied::Changed {
                        applied = Applied::Changed;
                    }
                }
                applied
            }
            Event::ExecutionCompleted { queue_id, cell_id, status, .. } => {
                let status = match status {
                    CompletionStatus::Success => QueueStatus::Completed,
                    CompletionStatus::Error => QueueStatus::Failed,
                    CompletionStatus::Cancelled => QueueStatus::Cancelled,
                };
                self.ended(queue_id, cell_id, status, entry.at)
            }
            Event::ExecutionCancelled { queue_id, cell_id, .. } => {
                self.ended(queue_id, cell_id, QueueStatus::Cancelled, entry.at)
            }
            Event::AllExecutionsCancelled {} => {
                self.queue.clear();
                let cells: Vec<CellId> =
                    self.sections.iter().filter(|section| section.running).map(|s| s.cell.clone()).collect();
                for cell in &cells {
                    self.running(cell, false);
                    if let Some(section) = self.by_cell.get(cell).copied() {
                        self.close(section, QueueStatus::Cancelled, entry.at);
                    }
                }
                if cells.is_empty() { Applied::Nothing } else { Applied::Changed }
            }
            event => self.tree(event, entry.at),
        }
    }

    /// Events about cells and the tree.
    fn tree(&mut self, event: &Event, at: i64) -> Applied {
        match event {
            Event::CellCreated { id, .. } | Event::CellCreated2 { id, .. } => {
                if !self.by_cell.contains_key(id) {
                    self.created.push(id.clone());
                }
                Applied::Nothing
            }
            Event::CellAnnotated { cell_id, kind, hidden, parent_id, .. } => {
                self.annotated(cell_id, *kind, hidden.unwrap_or(false), parent_id.as_ref(), at)
            }
            Event::CellSourceChanged { id, .. } => match self.by_cell.get(id).copied() {
                Some(section) => {
                    self.touch(section, 0);
                    Applied::Changed
                }
                None => Applied::Nothing,
            },
            Event::BranchSelected { leaf_id }
                if leaf_id.as_ref() == self.sections.last().map(|last| &last.cell) =>
            {
                Applied::Nothing
            }
            Event::CellTypeChanged { .. }
            | Event::CellDeleted { .. }
            | Event::BranchSelected { .. }
            | Event::CellOutputsCleared { .. }
            | Event::AllOutputsCleared { .. } => Applied::Anew,
            _ => Applied::Nothing,
        }
    }

    /// A cell that follows the last one of the branch is added to it; anything else is another tree.
    fn annotated(
        &mut self,
        cell: &CellId,
        kind: CellKind,
        hidden: bool,
        parent: Option<&CellId>,
        at: i64,
    ) -> Applied {
        if let Some(known) = self.by_cell.get(cell).copied() {
            let section = &mut self.sections[known];
            if section.kind != kind || section.parent.as_ref() != parent {
                return Applied::Anew;
            }
            section.hidden = hidden;
            self.touch(known, 0);
            return Applied::Changed;
        }
        if parent != self.sections.last().map(|last| &last.cell) || self.created.last() != Some(cell) {
            return Applied::Anew;
        }
        self.created.pop();
        self.push_section(cell.clone(), kind, hidden, parent.cloned(), at);
        Applied::Changed
    }

    /// Whether cells appeared that nobody annotated: other applications made them, and where they belong is for the
    /// store to say.
    pub(in crate::projection) fn has_strangers(&self) -> bool {
        !self.created.is_empty()
    }

    fn output_added(&mut self, head: &OutputHead, entry: &LogEntry, cache: &mut Cache) -> Applied {
        let Some(section) = self.by_cell.get(&head.cell_id).copied() else { return Applied::Nothing };
        self.add(section, head, entry.at, Some(cache));
        Applied::Changed
    }

    /// Takes in text: a block that is at hand grows in place, so that a stream costs its own length.
    fn appended(&mut self, output: &OutputId, delta: &str, number: i64, cache: &mut Cache) -> Applied {
        let Some((section, at)) = self.find(output) else { return Applied::Nothing };
        self.touch(section, at);
        let entry = &self.sections[section].entries[at];
        cache.grow(&entry.id, output, delta, number, entry.revision);
        Applied::Changed
    }

    fn output_changed(&mut self, output: &OutputId) -> Applied {
        let Some((section, at)) = self.find(output) else { return Applied::Nothing };
        self.touch(section, at);
        Applied::Changed
    }

    /// The block an output is part of; text grows at the end, so the search begins there.
    fn find(&self, output: &OutputId) -> Option<(usize, usize)> {
        let section = self.outputs.get(output).copied()?;
        let at = self.sections[section].entries.iter().rposition(|entry| match &entry.kind {
            Kind::Prompt | Kind::Note(None) | Kind::Closing(_) => false,
            Kind::Note(Some(id))
            | Kind::Text(id)
            | Kind::Thinking(id)
            | Kind::Steer(id)
            | Kind::Error(id)
            | Kind::Display(id) => id == output,
            Kind::Tool { printed, .. } => printed.contains(output),
            Kind::Shell { outputs } => outputs.contains(output),
        })?;
        Some((section, at))
    }

    fn ended(&mut self, queue: &QueueId, cell: &CellId, status: QueueStatus, at: i64) -> Applied {
        // An entry that had ended already stays as it is, whatever is said of it later.
        if self.queue.remove(queue).is_none() {
            return Applied::Nothing;
        }
        let more = self.queue.values().any(|other| other == cell);
        let applied = self.running(cell, more);
        if let Some(section) = self.by_cell.get(cell).copied() {
            self.close(section, status, at);
        }
        applied
    }

    /// Ends a prompt's blocks with a remark if it was interrupted.
    ///
    /// A prompt that failed has an error among its outputs; one without was lost together with its runtime.
    pub(super) fn close(&mut self, at_section: usize, status: QueueStatus, at: i64) {
        let section = &mut self.sections[at_section];
        let failed = section.entries.iter().any(|entry| matches!(entry.kind, Kind::Error(_)));
        let text = match status {
            QueueStatus::Cancelled => INTERRUPTED,
            QueueStatus::Failed if !failed => LOST,
            _ => return,
        };
        let closed = section.entries.last().is_some_and(|entry| matches!(entry.kind, Kind::Closing(_)));
        if section.running || closed || section.kind != CellKind::Ai {
            return;
        }
        self.counter += 1;
        section.entries.push(Entry {
            id: format!("{}:end", section.cell),
            kind: Kind::Closing(text),
            position: f64::INFINITY,
            revision: self.counter,
            at,
        });
        self.restart(at_section + 1);
    }

    fn running(&mut self, cell: &CellId, running: bool) -> Applied {
        let Some(at) = self.by_cell.get(cell).copied() else { return Applied::Nothing };
        // A prompt that is asked again is not over.
        let section = &mut self.sections[at];
        if running && matches!(section.entries.last(), Some(Entry { kind: Kind::Closing(_), .. })) {
            section.entries.pop();
            self.restart(at + 1);
        }
        if self.sections[at].running == running {
            return Applied::Nothing;
        }
        self.sections[at].running = running;
        // What may have been growing, or waits for a result, looks different now.
        let last = self.sections[at].entries.len() - 1;
        for entry in 0..=last {
            let open = matches!(
                &self.sections[at].entries[entry].kind,
                Kind::Tool { result: None, .. } | Kind::Shell { .. }
            );
            if open || entry == last {
                self.touch(at, entry);
            }
        }
        Applied::Changed
    }
}

/// The head of an output that an event adds.
fn added(event: &Event) -> Option<OutputHead> {
    let (id, cell, position, output_type, meta) = match event {
        Event::MarkdownOutputAdded { id, cell_id, position, content } => {
            (id, cell_id, position, OutputType::Markdown, content.meta())
        }
        Event::TerminalOutputAdded { id, cell_id, position, content, .. } => {
            (id, cell_id, position, OutputType::Terminal, content.meta())
        }
        Event::ErrorOutputAdded { id, cell_id, position, content } => {
            (id, cell_id, position, OutputType::Error, content.meta())
        }
        Event::MultimediaDisplayOutputAdded { id, cell_id, position, representations, .. } => {
            (id, cell_id, position, OutputType::MultimediaDisplay, meta_of(representations))
        }
        Event::MultimediaResultOutputAdded { id, cell_id, position, representations, .. } => {
            (id, cell_id, position, OutputType::MultimediaResult, meta_of(representations))
        }
        _ => return None,
    };
    Some(OutputHead {
        id: id.clone(),
        cell_id: cell.clone(),
        output_type,
        position: *position,
        stream_name: None,
        display_id: None,
        role: meta.as_ref().map(|meta| meta.role),
        call_id: meta.as_ref().and_then(|meta| meta.call_id.clone()),
        has_opaque: meta.is_some_and(|meta| meta.opaque.is_some()),
    })
}

fn meta_of(representations: &Representations) -> Option<OutputMeta> {
    representations.values().find_map(Media::meta)
}
