//! Blocks: what a buffer holds besides text, its own or computed by a source.

use std::ops::Range;
use std::rc::Rc;

use super::{AppendFn, Buffers, Shown, usage};
use crate::hooks::Object;

/// One block of content.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Block {
    /// Names it within its buffer.
    pub id: String,
    /// What kind it is.
    pub kind: String,
    /// Whose it is.
    pub role: String,
    /// Its text.
    pub text: String,
    /// Whether it still grows.
    pub streaming: bool,
    /// Whether it takes its place but is not to be seen.
    pub hidden: bool,
    /// When it arose, in milliseconds since 1970.
    pub created_at: i64,
    /// Everything else.
    pub meta: Object,
    /// Changes whenever anything of it does; what is cached of a block is cached by id and revision.
    pub revision: u64,
}

/// Computes the blocks of a projection, by range.
pub trait BlockSource {
    /// Counts the blocks.
    fn len(&self) -> usize;

    /// Tells whether there is none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Answers the blocks of a range, clamped to what there is.
    fn range(&self, range: Range<usize>) -> Vec<Rc<Block>>;

    /// Changes whenever any block does.
    fn revision(&self) -> u64;

    /// Adds a block where the source allows it.
    fn append(&self, _block: Block) -> Result<(), String> {
        Err("this buffer cannot be appended to".into())
    }
}

impl Buffers<'_> {
    /// Makes a buffer a projection, or an ordinary one again.
    pub fn set_source(self, name: &str, source: Option<Rc<dyn BlockSource>>) -> bool {
        {
            let mut slots = self.0.0.buffers.slots.borrow_mut();
            let Some(slot) = slots.get_mut(name) else { return false };
            let before = std::mem::replace(&mut slot.source, source);
            drop(slots);
            let name = name.to_owned();
            self.0.on_rollback(move |kernel| {
                if let Some(slot) = kernel.0.buffers.slots.borrow_mut().get_mut(&name) {
                    slot.source = before;
                }
            });
        }
        self.source_changed(name);
        true
    }

    /// Answers the source of a projection.
    pub fn source(self, name: &str) -> Option<Rc<dyn BlockSource>> {
        self.0.0.buffers.slots.borrow().get(name)?.source.clone()
    }

    /// Says what appending a block to a projection does; without it, the source decides. False when there is no such
    /// buffer.
    pub fn on_append(self, name: &str, append: AppendFn) -> bool {
        let mut slots = self.0.0.buffers.slots.borrow_mut();
        let Some(slot) = slots.get_mut(name) else { return false };
        slot.append = Some(append);
        true
    }

    /// Says that a projection's source has new content.
    pub fn source_changed(self, name: &str) {
        self.change_state(name, |buffer| buffer.tick += 1);
        self.announce(name, 0, 0, 0, true);
    }

    /// Counts the blocks.
    pub fn block_count(self, name: &str) -> usize {
        match self.source(name) {
            Some(source) => source.len(),
            None => self.get(name).map_or(0, |buffer| buffer.blocks.len()),
        }
    }

    /// Answers the blocks of a range as they are to be shown, clamped to what there is.
    pub fn blocks(self, name: &str, range: Range<usize>) -> Vec<Rc<Block>> {
        let found = if let Some(source) = self.source(name) {
            source.range(range)
        } else {
            let Some(buffer) = self.get(name) else { return Vec::new() };
            let end = range.end.min(buffer.blocks.len());
            buffer.blocks.get(range.start.min(end)..end).unwrap_or_default().to_vec()
        };
        self.as_shown(name, found)
    }

    /// Adds a block at the end, on behalf of whoever is running; a projection hands it to its owner.
    pub fn append_block(self, name: &str, block: Block) -> Result<(), String> {
        if let Some(source) = self.source(name) {
            let append = self.0.0.buffers.slots.borrow().get(name).and_then(|slot| slot.append.clone());
            match append {
                Some(append) => append(self.0.guard().current().unwrap_or_default(), block)?,
                None => source.append(block)?,
            }
            self.source_changed(name);
            return Ok(());
        }
        let count = self.block_count(name);
        self.set_block_range(name, count..count, vec![block])
    }

    /// Replaces all of the buffer's own blocks.
    pub fn set_blocks(self, name: &str, blocks: Vec<Block>) -> bool {
        self.splice(name, 0..usize::MAX, blocks).is_ok()
    }

    /// Replaces blocks of a range. Of a projection nothing stored changes: each block of the range is shown as the new one
    /// in its place, and the rest is hidden. More than there are is an error, since whoever has the projection would keep
    /// them; behind its end they are appended, which means just that.
    pub fn set_block_range(self, name: &str, range: Range<usize>, blocks: Vec<Block>) -> Result<(), String> {
        if self.source(name).is_none() {
            return self.splice(name, range, blocks);
        }
        let owner = self.0.guard().current().unwrap_or_default();
        let there = self.blocks(name, range.clone());
        let behind = range.start >= self.block_count(name);
        if blocks.len() > there.len() && !behind {
            return Err(format!(
                "`{name}` shows what is kept elsewhere, so {} blocks cannot take the place of {}; append what is to be kept",
                blocks.len(),
                there.len()
            ));
        }
        let mut blocks = blocks.into_iter();
        for there in there {
            let shown = blocks.next().map_or(Shown::Hidden, Shown::As);
            self.show_block(owner, name, &there.id, shown);
        }
        blocks.try_for_each(|block| self.append_block(name, block))
    }

    /// Takes the blocks of a range away; of a projection they are hidden.
    pub fn delete_blocks(self, name: &str, range: Range<usize>) -> Result<(), String> {
        self.set_block_range(name, range, Vec::new())
    }

    fn splice(self, name: &str, range: Range<usize>, blocks: Vec<Block>) -> Result<(), String> {
        let Some(count) = self.get(name).map(|buffer| buffer.blocks.len()) else {
            return Err(format!("there is no buffer `{name}`"));
        };
        let end = range.end.min(count);
        let start = range.start.min(end);
        let more: usize = blocks.iter().map(usage::block_bytes).sum();
        if !self.may_grow_here(name, more) {
            return Err(format!("`{name}` would take more memory than its extension may"));
        }
        let added = blocks.len();
        self.change_state(name, |buffer| {
            let own = Rc::make_mut(&mut buffer.blocks);
            own.splice(start..end, blocks.into_iter().map(Rc::new));
            // Appending is what happens often: it does not count the others again.
            if start == end {
                buffer.block_bytes += more;
            } else {
                buffer.measure_blocks();
            }
            buffer.tick += 1;
        });
        self.announce(name, start, end - start, added, true);
        Ok(())
    }
}
