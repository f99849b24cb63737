//! Blocks that have been laid out, by id, revision, width and folding; bounded.
//!
//! Lines hold tokens and no colours, so a change of theme needs no new layout. A block that still grows keeps its
//! markdown, and with it the lines of its finished part.

use std::{collections::HashMap, rc::Rc};

use purlin_kernel::{
    buffer::Block,
    text::{Highlighter, Line, markdown::Markdown},
};

use super::look::{self, Setting};
use crate::syntax::Syntax;

/// So many blocks are kept beyond those that were drawn last.
const KEPT: usize = 512;

/// Laid-out blocks.
#[derive(Default)]
pub struct Cache {
    entries: HashMap<String, Entry>,
    clock: u64,
}

/// Lines that stand in for the stock look.
#[derive(Debug, Default)]
pub struct Replaced {
    /// The lines.
    pub lines: Vec<Line>,
    /// Whether code in them is being highlighted.
    pub waits: bool,
}

struct Entry {
    revision: u64,
    setting: Setting,
    used: u64,
    lines: Rc<Vec<Line>>,
    growing: Option<Markdown>,
    /// Whether code in it is being highlighted.
    waits: bool,
    /// Whether there is something new for it.
    unfinished: bool,
}

impl Cache {
    /// Tells whether a block needs no new layout.
    pub fn holds(&self, block: &Block, setting: Setting) -> bool {
        let entry = self.entries.get(&block.id);
        entry.is_some_and(|entry| {
            entry.revision == block.revision && entry.setting == setting && !entry.unfinished
        })
    }

    /// Answers a block's lines, laid out at most once for each of its revisions; `replaced` stands in for the stock look.
    pub fn lines(
        &mut self,
        block: &Block,
        setting: Setting,
        replaced: Option<Replaced>,
        syntax: Option<&Syntax>,
    ) -> Rc<Vec<Line>> {
        self.clock += 1;
        let used = self.clock;
        if let Some(entry) = self.entries.get_mut(&block.id)
            && entry.revision == block.revision
            && entry.setting == setting
            && !entry.unfinished
        {
            entry.used = used;
            return Rc::clone(&entry.lines);
        }
        let before = self.entries.remove(&block.id);
        // What a growing block keeps of its lines may still wait for colours.
        let kept = before.as_ref().is_some_and(|entry| entry.waits && !entry.unfinished);
        let missed = syntax.map(Syntax::missed);
        let painter = syntax.map(|syntax| syntax as &dyn Highlighter);
        let mut growing = None;
        let shows_code = replaced.as_ref().is_some_and(|replaced| replaced.waits);
        let lines = if let Some(Replaced { lines, .. }) = replaced {
            Rc::new(lines)
        } else if block.kind == "text" && block.streaming {
            let (markdown, lines) = grow(before, block, setting, painter);
            growing = Some(markdown);
            lines
        } else {
            Rc::new(look::lay_out_with(block, setting, painter))
        };
        // Kept as finished until the highlighter says that it has something new.
        let waits = shows_code || missed != syntax.map(Syntax::missed) || (kept && growing.is_some());
        let revision = block.revision;
        let entry =
            Entry { revision, setting, used, lines: Rc::clone(&lines), growing, waits, unfinished: false };
        self.entries.insert(block.id.clone(), entry);
        self.trim();
        lines
    }

    /// Has what waits for highlighted code laid out anew the next time.
    pub fn drop_unfinished(&mut self) {
        for entry in self.entries.values_mut().filter(|entry| entry.waits) {
            entry.unfinished = true;
            if let Some(markdown) = &mut entry.growing {
                markdown.forget_lines();
            }
        }
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
fn grow(
    before: Option<Entry>,
    block: &Block,
    setting: Setting,
    painter: Option<&dyn Highlighter>,
) -> (Markdown, Rc<Vec<Line>>) {
    let (mut markdown, mut lines, anew) = match before {
        Some(Entry { growing: Some(markdown), lines, setting: old, unfinished, .. }) if old == setting => {
            (markdown, lines, unfinished)
        }
        _ => (Markdown::new(), Rc::default(), false),
    };
    let settled = markdown.settled();
    let same = !anew && block.text.starts_with(markdown.source()) && settled <= lines.len();
    markdown.update(&block.text);
    let laid = markdown.lines_with(setting.prose(), painter);
    // The frame that used the lines is drawn by now, so this is the only owner and nothing is copied.
    let kept = Rc::make_mut(&mut lines);
    kept.truncate(if same { settled } else { 0 });
    kept.extend_from_slice(&laid[kept.len()..]);
    (markdown, lines)
}
