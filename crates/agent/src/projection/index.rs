//! The index of blocks: read once, then kept up to date by the log.

use std::collections::{BTreeMap, HashMap};

use purlin_notebook::{
    BranchCell, CellId, CellKind, CompletionStatus, Event, LogEntry, Media, OutputHead, OutputId, OutputType,
    QueueId, QueueStatus, Representations, Store, StoreError, StoreExt,
};

use super::cache::Cache;
use super::entry::{Entry, Kind, Meaning, Section};

/// What a prompt ends with that was stopped.
const INTERRUPTED: &str = "Interrupted.";
/// What a prompt ends with whose runtime went away.
const LOST: &str = "Interrupted: purlin ended while it was working.";

/// Where a block is: its section and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) section: usize,
    pub(super) entry: usize,
}

/// What an event meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Applied {
    /// No block changed.
    Nothing,
    /// Some did.
    Changed,
    /// The branch is another; the index has to be read anew.
    Anew,
}

/// All blocks of the branch.
#[derive(Debug, Default)]
pub(super) struct Index {
    sections: Vec<Section>,
    by_cell: HashMap<CellId, usize>,
    /// Which section an output belongs to, for what is appended to it.
    outputs: HashMap<OutputId, usize>,
    calls: HashMap<String, usize>,
    queue: HashMap<QueueId, CellId>,
    /// Cells that were created and are not annotated yet.
    created: Vec<CellId>,
    counter: u64,
}

impl Index {
    /// Reads the current branch.
    pub(super) fn read(store: &dyn Store) -> Result<Self, StoreError> {
        let mut index = Self::default();
        for BranchCell { cell, annotation } in store.branch_path(None)? {
            let kind = annotation.as_ref().map_or(cell.cell_type.kind(), |annotation| annotation.kind);
            let hidden = annotation.as_ref().is_some_and(|annotation| annotation.hidden);
            index.push_section(
                cell.id,
                kind,
                hidden,
                annotation.and_then(|annotation| annotation.parent_id),
                0,
            );
        }
        for head in store.output_heads(None)? {
            if let Some(section) = index.by_cell.get(&head.cell_id).copied() {
                index.add(section, &head, 0, None);
            }
        }
        let mut ended = BTreeMap::new();
        for entry in store.queue(None)? {
            if entry.status.is_terminal() {
                ended.insert(entry.cell_id, entry.status);
                continue;
            }
            if let Some(section) = index.by_cell.get(&entry.cell_id) {
                index.sections[*section].running = true;
            }
            index.queue.insert(entry.id, entry.cell_id);
        }
        for (cell, status) in ended {
            if let Some(section) = index.by_cell.get(&cell).copied() {
                index.close(section, status, 0);
            }
        }
        index.restart(0);
        Ok(index)
    }

    /// Lets the revisions go on after another index's, so that none is used twice.
    pub(super) fn after(mut self, other: &Self) -> Self {
        for entry in self.sections.iter_mut().flat_map(|section| &mut section.entries) {
            entry.revision += other.counter;
        }
        self.counter += other.counter;
        self
    }

    /// How many blocks there are.
    pub(super) fn len(&self) -> usize {
        self.sections.last().map_or(0, |section| section.start + section.entries.len())
    }

    /// Where the block of a number is.
    pub(super) fn place(&self, at: usize) -> Option<Place> {
        // The last section that begins at or before it and is not empty.
        let section = self.sections.partition_point(|section| section.start <= at).checked_sub(1)?;
        let entry = at - self.sections[section].start;
        (entry < self.sections[section].entries.len()).then_some(Place { section, entry })
    }

    pub(super) fn get(&self, place: Place) -> (&Section, &Entry) {
        let section = &self.sections[place.section];
        (section, &section.entries[place.entry])
    }

    /// Whether the block's text may still grow.
    pub(super) fn is_growing(&self, place: Place) -> bool {
        let (section, entry) = self.get(place);
        if !section.running {
            return false;
        }
        match &entry.kind {
            Kind::Text(_) | Kind::Thinking(_) | Kind::Display(_) => place.entry + 1 == section.entries.len(),
            Kind::Tool { result, .. } => result.is_none(),
            Kind::Shell { .. } => true,
            Kind::Prompt | Kind::Note(_) | Kind::Steer(_) | Kind::Error(_) | Kind::Closing(_) => false,
        }
    }

    /// The number of the last block with an answer.
    pub(super) fn last_text(&self) -> Option<usize> {
        self.sections.iter().rev().find_map(|section| {
            let at = section.entries.iter().rposition(|entry| matches!(entry.kind, Kind::Text(_)))?;
            Some(section.start + at)
        })
    }

    fn push_section(&mut self, cell: CellId, kind: CellKind, hidden: bool, parent: Option<CellId>, at: i64) {
        let first = match kind {
            CellKind::Ai => Kind::Prompt,
            CellKind::Note | CellKind::Raw => Kind::Note(None),
            _ => Kind::Shell { outputs: Vec::new() },
        };
        self.counter += 1;
        let id = cell.as_str().to_owned();
        let entry = Entry { id, kind: first, position: f64::NEG_INFINITY, revision: self.counter, at };
        let start = self.len();
        self.by_cell.insert(cell.clone(), self.sections.len());
        let running = self.queue.values().any(|other| *other == cell);
        self.sections.push(Section { cell, kind, hidden, parent, running, start, entries: vec![entry] });
    }

    /// Recomputes where sections begin, from one on.
    fn restart(&mut self, from: usize) {
        let mut start = match from.checked_sub(1) {
            Some(before) => self.sections[before].start + self.sections[before].entries.len(),
            None => 0,
        };
        for section in &mut self.sections[from..] {
            section.start = start;
            start += section.entries.len();
        }
    }

    /// Marks a block as changed.
    fn touch(&mut self, section: usize, entry: usize) {
        self.counter += 1;
        let counter = self.counter;
        if let Some(entry) = self.sections.get_mut(section).and_then(|section| section.entries.get_mut(entry))
        {
            entry.revision = counter;
        }
    }

    /// Adds an output to the blocks of its section.
    fn add(&mut self, at_section: usize, head: &OutputHead, at: i64, mut cache: Option<&mut Cache>) {
        self.outputs.insert(head.id.clone(), at_section);
        let section = &mut self.sections[at_section];
        match section.meaning(head) {
            Meaning::Hidden => {}
            Meaning::Part => {
                if let Some(Entry { kind: Kind::Shell { outputs }, .. }) = section.entries.first_mut()
                    && !outputs.contains(&head.id)
                {
                    outputs.push(head.id.clone());
                }
                self.touch(at_section, 0);
            }
            Meaning::Printed(call) => self.join(at_section, &call, |printed, _| {
                if !printed.contains(&head.id) {
                    printed.push(head.id.clone());
                }
            }),
            Meaning::Result(call) => {
                self.join(at_section, &call, |_, result| {
                    *result = Some(head.id.clone());
                });
            }
            Meaning::Own(kind) => {
                if section.entries.iter().any(|entry| entry.id == head.id.as_str()) {
                    let known = section.entries.iter().position(|entry| entry.id == head.id.as_str());
                    self.touch(at_section, known.unwrap_or(0));
                    return;
                }
                if let Kind::Tool { call_id, .. } = &kind {
                    self.calls.insert(call_id.clone(), at_section);
                }
                self.counter += 1;
                let entry = Entry {
                    id: head.id.as_str().to_owned(),
                    kind,
                    position: head.position,
                    revision: self.counter,
                    at,
                };
                let place = section.entries.partition_point(|other| other.position <= head.position);
                section.entries.insert(place, entry);
                // What stood last may have been growing.
                if place > 0 {
                    self.touch(at_section, place - 1);
                    if let Some(cache) = cache.take() {
                        cache.forget(&self.sections[at_section].entries[place - 1].id);
                    }
                }
                self.restart(at_section + 1);
            }
        }
    }

    /// Changes a tool's block.
    fn join(
        &mut self,
        section: usize,
        call: &str,
        change: impl FnOnce(&mut Vec<OutputId>, &mut Option<OutputId>),
    ) {
        let found = self.sections[section]
            .entries
            .iter_mut()
            .rposition(|entry| matches!(&entry.kind, Kind::Tool { call_id, .. } if call_id == call));
        let Some(entry) = found else { return };
        if let Kind::Tool { printed, result, .. } = &mut self.sections[section].entries[entry].kind {
            change(printed, result);
        }
        self.touch(section, entry);
    }

    /// Takes in one event of the log.
    pub(super) fn apply(&mut self, entry: &LogEntry, cache: &mut Cache) -> Applied {
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
    pub(super) fn has_strangers(&self) -> bool {
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
    fn close(&mut self, at_section: usize, status: QueueStatus, at: i64) {
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

fn meta_of(representations: &Representations) -> Option<purlin_notebook::OutputMeta> {
    representations.values().find_map(Media::meta)
}
