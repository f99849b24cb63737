//! The index of blocks: read once, then kept up to date by the log.

mod log;

use std::collections::{BTreeMap, HashMap};

use purlin_notebook::{
    BranchCell, CellId, CellKind, OutputHead, OutputId, QueueId, Store, StoreError, StoreExt,
};

use super::cache::Cache;
use super::entry::{Entry, Kind, Meaning, Section};

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
}
