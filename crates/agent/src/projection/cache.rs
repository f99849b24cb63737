//! The blocks that were asked for lately.

use std::collections::HashMap;
use std::rc::Rc;

use purlin_kernel::Block;
use purlin_notebook::OutputId;

/// Bytes of text that are kept at most, beyond what is asked for at once.
const LIMIT: usize = 2 * 1024 * 1024;

/// A block with what is needed to let it grow.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub(super) block: Block,
    /// The output at the end of its text, and the number of the last delta that is in it.
    pub(super) tail: Option<(OutputId, i64)>,
}

#[derive(Debug)]
struct Kept {
    block: Rc<Block>,
    tail: Option<(OutputId, i64)>,
    used: u64,
}

/// Blocks by id, bounded in bytes, the longest unused going first.
#[derive(Debug, Default)]
pub(super) struct Cache {
    blocks: HashMap<String, Kept>,
    bytes: usize,
    clock: u64,
}

impl Cache {
    /// Begins a range: what is asked for from now on stays until the next one.
    pub(super) fn begin(&mut self) {
        self.clock += 1;
    }

    /// The block of an id, if it is at hand and up to date.
    pub(super) fn get(&mut self, id: &str, revision: u64) -> Option<Rc<Block>> {
        let kept = self.blocks.get_mut(id).filter(|kept| kept.block.revision == revision)?;
        kept.used = self.clock;
        Some(Rc::clone(&kept.block))
    }

    /// Keeps a block.
    pub(super) fn put(&mut self, id: &str, loaded: Loaded) -> Rc<Block> {
        self.forget(id);
        let block = Rc::new(loaded.block);
        self.bytes += block.text.len();
        let kept = Kept { block: Rc::clone(&block), tail: loaded.tail, used: self.clock };
        self.blocks.insert(id.to_owned(), kept);
        block
    }

    /// Appends to a block that is at hand, unless it was read after the delta was committed.
    pub(super) fn grow(&mut self, id: &str, output: &OutputId, delta: &str, number: i64, revision: u64) {
        let Some(kept) = self.blocks.get_mut(id) else { return };
        match &mut kept.tail {
            Some((tail, last)) if tail == output && number == *last + 1 => {
                *last = number;
                let block = Rc::make_mut(&mut kept.block);
                block.text.push_str(delta);
                block.revision = revision;
                self.bytes += delta.len();
            }
            Some((tail, last)) if tail == output && number <= *last => {
                Rc::make_mut(&mut kept.block).revision = revision;
            }
            // A gap, or text in the middle: it is read again when it is asked for.
            _ => self.forget(id),
        }
    }

    /// Drops a block.
    pub(super) fn forget(&mut self, id: &str) {
        if let Some(kept) = self.blocks.remove(id) {
            self.bytes -= kept.block.text.len();
        }
    }

    /// Drops everything.
    pub(super) fn clear(&mut self) {
        self.blocks.clear();
        self.bytes = 0;
    }

    /// Brings the cache back to its limit; what the last range asked for stays.
    pub(super) fn trim(&mut self) {
        if self.bytes <= LIMIT && self.blocks.len() <= 4_096 {
            return;
        }
        let mut old: Vec<(u64, String)> = self
            .blocks
            .iter()
            .filter(|(_, kept)| kept.used < self.clock)
            .map(|(id, kept)| (kept.used, id.clone()))
            .collect();
        old.sort_unstable();
        for (_, id) in old {
            // Down to half, so that scrolling does not sort for every block.
            if self.bytes <= LIMIT / 2 && self.blocks.len() <= 2_048 {
                break;
            }
            self.forget(&id);
        }
    }
}
