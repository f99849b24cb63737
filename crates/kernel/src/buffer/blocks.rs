//! Blocks: what a buffer holds besides text, its own or computed by a source.

use std::ops::Range;
use std::rc::Rc;

use super::{BufferChange, Buffers};
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
        let changed = {
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
            true
        };
        self.source_changed(name);
        changed
    }

    /// Answers the source of a projection.
    pub fn source(self, name: &str) -> Option<Rc<dyn BlockSource>> {
        self.0.0.buffers.slots.borrow().get(name)?.source.clone()
    }

    /// Says that a projection's source has new content.
    pub fn source_changed(self, name: &str) {
        self.change_state(name, |buffer| buffer.tick += 1);
        self.announce(&BufferChange::blocks(name));
    }

    /// Counts the blocks.
    pub fn block_count(self, name: &str) -> usize {
        match self.source(name) {
            Some(source) => source.len(),
            None => self.get(name).map_or(0, |buffer| buffer.blocks.len()),
        }
    }

    /// Answers the blocks of a range, clamped to what there is.
    pub fn blocks(self, name: &str, range: Range<usize>) -> Vec<Rc<Block>> {
        if let Some(source) = self.source(name) {
            return source.range(range);
        }
        let Some(buffer) = self.get(name) else { return Vec::new() };
        let end = range.end.min(buffer.blocks.len());
        buffer.blocks.get(range.start.min(end)..end).unwrap_or_default().to_vec()
    }

    /// Adds a block at the end; a projection hands it to its source.
    pub fn append_block(self, name: &str, block: Block) -> Result<(), String> {
        if let Some(source) = self.source(name) {
            source.append(block)?;
            self.source_changed(name);
            return Ok(());
        }
        let added = self.change_state(name, |buffer| {
            Rc::make_mut(&mut buffer.blocks).push(Rc::new(block));
            buffer.tick += 1;
        });
        if !added {
            return Err(format!("there is no buffer `{name}`"));
        }
        self.announce(&BufferChange::blocks(name));
        Ok(())
    }

    /// Replaces the buffer's own blocks.
    pub fn set_blocks(self, name: &str, blocks: Vec<Block>) -> bool {
        let set = self.change_state(name, |buffer| {
            buffer.blocks = Rc::new(blocks.into_iter().map(Rc::new).collect());
            buffer.tick += 1;
        });
        self.announce(&BufferChange::blocks(name));
        set
    }
}
