//! Blocks that have been laid out, by id, revision, width and folding; bounded.
//!
//! Lines hold tokens and no colours, so a change of theme needs no new layout. A block that still grows keeps its
//! markdown, and with it the lines of its finished part.

use std::{collections::HashMap, rc::Rc};

use purlin_kernel::{
    buffer::Block,
    text::{Line, markdown::Markdown},
};

use super::look::{self, Setting};

/// So many blocks are kept beyond those that were drawn last.
const KEPT: usize = 512;

/// Laid-out blocks.
#[derive(Default)]
pub struct Cache {
    entries: HashMap<String, Entry>,
    clock: u64,
}

struct Entry {
    revision: u64,
    setting: Setting,
    used: u64,
    lines: Rc<Vec<Line>>,
    growing: Option<Markdown>,
}

impl Cache {
    /// Tells whether a block needs no new layout.
    pub fn holds(&self, block: &Block, setting: Setting) -> bool {
        let entry = self.entries.get(&block.id);
        entry.is_some_and(|entry| entry.revision == block.revision && entry.setting == setting)
    }

    /// Answers a block's lines, laid out at most once for each of its revisions; `replaced` stands in for the stock look.
    pub fn lines(&mut self, block: &Block, setting: Setting, replaced: Option<Vec<Line>>) -> Rc<Vec<Line>> {
        self.clock += 1;
        let used = self.clock;
        if let Some(entry) = self.entries.get_mut(&block.id)
            && entry.revision == block.revision
            && entry.setting == setting
        {
            entry.used = used;
            return Rc::clone(&entry.lines);
        }
        let before = self.entries.remove(&block.id);
        let mut growing = None;
        let lines = if let Some(lines) = replaced {
            Rc::new(lines)
        } else if block.kind == "text" && block.streaming {
            let (markdown, lines) = grow(before, block, setting);
            growing = Some(markdown);
            lines
        } else {
            Rc::new(look::lay_out(block, setting))
        };
        let entry = Entry { revision: block.revision, setting, used, lines: Rc::clone(&lines), growing };
        self.entries.insert(block.id.clone(), entry);
        self.trim();
        lines
    }

    /// Forgets everything, because what decides about a look has changed.
    pub fn clear(&mut self) {
        self.entries.clear();
    }

    fn trim(&mut self) {
        if self.entries.len() <= 2 * KEPT {
            return;
        }
        let oldest = self.clock.saturating_sub(KEPT as u64);
        self.entries.retain(|_, entry| entry.used > oldest);
    }
}

/// Appends to what was laid out before and lays out the open end.
fn grow(before: Option<Entry>, block: &Block, setting: Setting) -> (Markdown, Rc<Vec<Line>>) {
    let (mut markdown, mut lines) = match before {
        Some(Entry { growing: Some(markdown), lines, setting: old, .. }) if old == setting => {
            (markdown, lines)
        }
        _ => (Markdown::new(), Rc::default()),
    };
    let settled = markdown.settled();
    let same = block.text.starts_with(markdown.source()) && settled <= lines.len();
    markdown.update(&block.text);
    let laid = markdown.lines(setting.prose());
    // The frame that used the lines is drawn by now, so this is the only owner and nothing is copied.
    let kept = Rc::make_mut(&mut lines);
    kept.truncate(if same { settled } else { 0 });
    kept.extend_from_slice(&laid[kept.len()..]);
    (markdown, lines)
}
