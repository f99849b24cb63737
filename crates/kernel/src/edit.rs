//! Editing: commands on the focused buffer that any surface can bind.

mod motion;
mod vertical;

use crate::buffer::EditKind;
use crate::command::{CommandResult, CommandSpec};
use crate::{ExtId, Kernel};

pub use vertical::VisualLines;

/// How many texts the kill ring keeps.
const KILLS: usize = 32;

type Edit = fn(&Kernel, &str);

const COMMANDS: &[(&str, &str, Edit)] = &[
    ("edit.left", "Moves the cursor one character back.", |k, b| k.step(b, motion::left)),
    ("edit.right", "Moves the cursor one character on.", |k, b| k.step(b, motion::right)),
    ("edit.word-left", "Moves the cursor to the start of the word before it.", |k, b| {
        k.step(b, motion::word_left);
    }),
    ("edit.word-right", "Moves the cursor behind the next word.", |k, b| k.step(b, motion::word_right)),
    ("edit.line-start", "Moves the cursor to the start of its line.", |k, b| k.step(b, motion::line_start)),
    ("edit.line-end", "Moves the cursor to the end of its line.", |k, b| k.step(b, motion::line_end)),
    ("edit.start", "Moves the cursor to the start of the text.", |k, b| k.step(b, |_, _| 0)),
    ("edit.end", "Moves the cursor to the end of the text.", |k, b| k.step(b, |rope, _| rope.len_chars())),
    ("edit.up", "Moves the cursor one shown line up.", |k, b| {
        k.move_vertically(b, false);
    }),
    ("edit.down", "Moves the cursor one shown line down.", |k, b| {
        k.move_vertically(b, true);
    }),
    ("edit.newline", "Begins a new line at the cursor.", |k, b| {
        k.buf().type_text(b, "\n");
    }),
    ("edit.delete-left", "Deletes the character before the cursor.", |k, b| k.delete_to(b, motion::left)),
    ("edit.delete-right", "Deletes the character at the cursor.", |k, b| k.delete_to(b, motion::right)),
    ("edit.delete-word-left", "Kills from the start of the word to the cursor.", |k, b| {
        k.kill_to(b, motion::word_left);
    }),
    ("edit.delete-word-right", "Kills from the cursor to the end of the word.", |k, b| {
        k.kill_to(b, motion::word_right);
    }),
    ("edit.kill-to-line-start", "Kills from the start of the line to the cursor.", |k, b| {
        k.kill_to(b, motion::kill_start);
    }),
    ("edit.kill-to-line-end", "Kills from the cursor to the end of the line.", |k, b| {
        k.kill_to(b, motion::kill_end);
    }),
    ("edit.kill-line", "Kills the whole line.", |k, b| k.kill_line(b)),
    ("edit.yank", "Inserts what was killed last.", |k, b| k.yank(b)),
    ("edit.transpose", "Exchanges the two characters around the cursor.", |k, b| k.transpose(b)),
    ("edit.undo", "Undoes the last group of edits.", |k, b| {
        k.buf().undo(b);
    }),
    ("edit.redo", "Takes the last undo back.", |k, b| {
        k.buf().redo(b);
    }),
    ("edit.clear", "Kills the whole text.", |k, b| k.kill_all(b)),
];

/// Registers the edit commands.
pub(crate) fn register(kernel: &Kernel) {
    for (name, desc, run) in COMMANDS {
        let weak = kernel.downgrade();
        let run = move |_: &crate::CommandCall| -> CommandResult {
            if let Some(kernel) = weak.upgrade()
                && let Some(buffer) = kernel.focused_editable()
            {
                run(&kernel, &buffer);
            }
            Ok(None)
        };
        kernel.command().create(ExtId::CORE, CommandSpec::action(*name, *desc, run));
    }
}

impl Kernel {
    fn step(&self, buffer: &str, motion: motion::Motion) {
        if let Some(state) = self.buf().get(buffer) {
            self.buf().set_cursor(buffer, motion(&state.rope, state.cursor));
        }
    }

    fn delete_to(&self, buffer: &str, motion: motion::Motion) {
        let Some(state) = self.buf().get(buffer) else { return };
        let other = motion(&state.rope, state.cursor);
        let (start, end) = (state.cursor.min(other), state.cursor.max(other));
        if start != end {
            self.buf().edit(buffer, start..end, "", EditKind::Delete, Some(start));
        }
    }

    fn kill_to(&self, buffer: &str, motion: motion::Motion) {
        let Some(state) = self.buf().get(buffer) else { return };
        let other = motion(&state.rope, state.cursor);
        self.kill(buffer, state.cursor.min(other), state.cursor.max(other));
    }

    fn kill(&self, buffer: &str, start: usize, end: usize) {
        let Some(state) = self.buf().get(buffer).filter(|_| start < end) else { return };
        let killed = state.rope.slice(start..end.min(state.rope.len_chars())).to_string();
        {
            let mut ring = self.0.buffers.kill_ring.borrow_mut();
            if ring.len() == KILLS {
                ring.remove(0);
            }
            ring.push(killed);
        }
        self.buf().edit(buffer, start..end, "", EditKind::Other, Some(start));
    }

    fn kill_line(&self, buffer: &str) {
        let Some(state) = self.buf().get(buffer) else { return };
        let line = state.rope.char_to_line(state.cursor);
        let start = state.rope.line_to_char(line);
        let end = state.rope.line_to_char((line + 1).min(state.rope.len_lines()));
        self.kill(buffer, start, end);
    }

    fn kill_all(&self, buffer: &str) {
        let Some(state) = self.buf().get(buffer) else { return };
        self.kill(buffer, 0, state.rope.len_chars());
    }

    fn yank(&self, buffer: &str) {
        let text = self.0.buffers.kill_ring.borrow().last().cloned();
        if let Some(text) = text {
            let at = self.buf().cursor(buffer);
            self.buf().insert(buffer, at, &text);
        }
    }

    fn transpose(&self, buffer: &str) {
        let Some(state) = self.buf().get(buffer) else { return };
        let middle = match state.cursor {
            at if at == motion::line_end(&state.rope, at) => motion::left(&state.rope, at),
            at => at,
        };
        let (before, after) = (motion::left(&state.rope, middle), motion::right(&state.rope, middle));
        if before == middle || middle == after || state.rope.char(before) == '\n' {
            return;
        }
        let exchanged = format!("{}{}", state.rope.slice(middle..after), state.rope.slice(before..middle));
        self.buf().edit(buffer, before..after, &exchanged, EditKind::Other, Some(after));
    }
}
