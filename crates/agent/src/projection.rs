//! The transcript: the branch of a session as blocks, computed from its store.
//!
//! An index holds ids only, so a long session costs little; text is read when a range is asked for, and the blocks
//! that were asked for lately are kept. [`Transcript::refresh`] reads the log from where it left off: what is streamed
//! costs its own length.

mod block;
mod cache;
mod entry;
mod index;
mod left_out;

use std::cell::RefCell;
use std::ops::Range;
use std::rc::Rc;

use purlin_kernel::{Block, BlockSource};
use purlin_notebook::{Store, StoreError, StoreExt};

use cache::Cache;
use index::Index;

/// Log entries that are read at once.
const BATCH: usize = 4_096;

/// The blocks of a session's current branch.
pub struct Transcript {
    store: Rc<dyn Store>,
    state: RefCell<State>,
}

struct State {
    /// The last entry of the log that the index knows.
    rowid: i64,
    index: Index,
    cache: Cache,
    revision: u64,
}

impl Transcript {
    /// Opens the transcript of a store.
    pub fn new(store: Rc<dyn Store>) -> Result<Self, StoreError> {
        // Read before the index: what is committed in between is applied twice, which changes nothing.
        let rowid = store.last_rowid()?;
        let index = Index::read(&*store)?;
        let state = State { rowid, index, cache: Cache::default(), revision: 1 };
        Ok(Self { store, state: RefCell::new(state) })
    }

    /// Takes in what was committed since the last time; answers whether any block has changed.
    pub fn refresh(&self) -> Result<bool, StoreError> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let (mut changed, mut anew) = (false, false);
        while !anew {
            let entries = self.store.log_since(state.rowid, BATCH)?;
            let Some(last) = entries.last() else { break };
            state.rowid = last.rowid;
            for entry in &entries {
                match state.index.apply(entry, &mut state.cache) {
                    index::Applied::Nothing => {}
                    index::Applied::Changed => changed = true,
                    index::Applied::Anew => anew = true,
                }
            }
            if entries.len() < BATCH {
                break;
            }
        }
        if anew || state.index.has_strangers() {
            // The tree itself is another. What is committed while it is read is applied twice, which changes nothing.
            state.rowid = self.store.last_rowid()?;
            state.index = Index::read(&*self.store)?.after(&state.index);
            state.cache.clear();
            changed = true;
        }
        if changed {
            state.revision += 1;
        }
        Ok(changed)
    }

    /// The text of the last answer, for what stays on the terminal when the program ends.
    pub fn last_answer(&self) -> Option<String> {
        let len = self.len();
        let position = self.state.borrow().index.last_text()?;
        self.range(position..len.min(position + 1)).first().map(|block| block.text.clone())
    }
}

impl BlockSource for Transcript {
    fn len(&self) -> usize {
        self.state.borrow().index.len()
    }

    fn range(&self, range: Range<usize>) -> Vec<Rc<Block>> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let range = range.start.min(state.index.len())..range.end.min(state.index.len());
        state.cache.begin();
        let mut blocks = Vec::with_capacity(range.len());
        for at in range {
            let Some(place) = state.index.place(at) else { break };
            let (section, entry) = state.index.get(place);
            if let Some(block) = state.cache.get(&entry.id, entry.revision) {
                blocks.push(block);
                continue;
            }
            match block::load(&*self.store, section, entry, state.index.is_growing(place)) {
                Ok(loaded) => blocks.push(state.cache.put(&entry.id, loaded)),
                Err(error) => {
                    tracing::warn!(%error, id = entry.id, "a block of the transcript cannot be read");
                    blocks.push(Rc::new(block::unreadable(&entry.id, entry.revision, &error)));
                }
            }
        }
        state.cache.trim();
        blocks
    }

    fn revision(&self) -> u64 {
        self.state.borrow().revision
    }
}

impl std::fmt::Debug for Transcript {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Transcript").field("len", &self.len()).finish_non_exhaustive()
    }
}
