//! Motion by shown lines: who wraps a buffer's text says where its shown lines begin.

use std::rc::Rc;

use ropey::Rope;
use unicode_segmentation::UnicodeSegmentation;

use crate::{Kernel, Window};

/// Answers the shown lines of a text as (start, end) positions in code points, in order.
///
/// A soft-wrapped line's end is the next one's start; a line that ends in a line break ends before it.
pub type VisualLines = Rc<dyn Fn(&Rope, &Window) -> Vec<(usize, usize)>>;

impl Kernel {
    /// Sets how `edit.up` and `edit.down` see lines; without it, they go by lines of the text.
    pub fn set_visual_lines(&self, lines: VisualLines) {
        *self.0.edit_lines.borrow_mut() = Some(lines);
    }

    /// Moves the cursor one shown line up or down, keeping its column; false when there is no such line.
    pub fn move_vertically(&self, buffer: &str, down: bool) -> bool {
        let Some((window, state)) = self.focused_buffer() else { return false };
        let visual = self.0.edit_lines.borrow().clone();
        let lines = visual.map_or_else(|| plain(&state.rope), |lines| lines(&state.rope, &window));
        let at = state.cursor;
        // At a soft break the position belongs to the line that begins there.
        let Some(here) = lines.iter().rposition(|(start, _)| *start <= at) else { return false };
        let there = if down { here + 1 } else { here.wrapping_sub(1) };
        let Some((start, end)) = lines.get(there).copied() else { return false };
        let goal = state.goal.unwrap_or_else(|| cells(&state.rope, lines[here].0, at));
        let soft = lines.get(there + 1).is_some_and(|next| next.0 == end);
        let cursor = column(&state.rope, start, end, goal, soft);
        self.buf().move_cursor(buffer, cursor, Some(goal))
    }
}

fn plain(rope: &Rope) -> Vec<(usize, usize)> {
    (0..rope.len_lines())
        .map(|line| {
            let start = rope.line_to_char(line);
            (start, super::motion::line_end(rope, start))
        })
        .collect()
}

fn cells(rope: &Rope, start: usize, end: usize) -> usize {
    crate::text::width(&rope.slice(start..end).to_string())
}

/// Finds the position at a column of a line, at most its end; a soft-wrapped line ends before its last grapheme.
fn column(rope: &Rope, start: usize, end: usize, goal: usize, soft: bool) -> usize {
    let text = rope.slice(start..end).to_string();
    let mut at = start;
    let mut col = 0;
    for grapheme in text.graphemes(true) {
        let width = crate::text::width(grapheme);
        let next = at + grapheme.chars().count();
        if col + width > goal || (soft && next >= end) {
            break;
        }
        (at, col) = (next, col + width);
    }
    at
}
