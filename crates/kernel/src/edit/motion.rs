//! Where the cursor goes: by character, word and line. Characters are graphemes.

use ropey::Rope;
use unicode_segmentation::{GraphemeCursor, GraphemeIncomplete};

/// From a position to another.
pub(super) type Motion = fn(&Rope, usize) -> usize;

/// Answers the start of the grapheme before `at`.
pub(super) fn left(rope: &Rope, at: usize) -> usize {
    if at == 0 {
        return 0;
    }
    boundary(rope, at, false)
}

/// Answers the end of the grapheme at `at`.
pub(super) fn right(rope: &Rope, at: usize) -> usize {
    if at >= rope.len_chars() {
        return rope.len_chars();
    }
    boundary(rope, at, true)
}

/// Finds the neighbouring grapheme boundary without copying the rope.
fn boundary(rope: &Rope, at: usize, forward: bool) -> usize {
    let byte = rope.char_to_byte(at);
    let (mut chunk, mut start, _, _) = rope.chunk_at_byte(byte);
    let mut cursor = GraphemeCursor::new(byte, rope.len_bytes(), true);
    loop {
        let step =
            if forward { cursor.next_boundary(chunk, start) } else { cursor.prev_boundary(chunk, start) };
        match step {
            Ok(Some(found)) => return rope.byte_to_char(found),
            Ok(None) => return if forward { rope.len_chars() } else { 0 },
            Err(GraphemeIncomplete::NextChunk) => {
                let next = start + chunk.len();
                (chunk, start, _, _) = rope.chunk_at_byte(next);
            }
            Err(GraphemeIncomplete::PrevChunk) => {
                (chunk, start, _, _) = rope.chunk_at_byte(start.saturating_sub(1));
            }
            Err(GraphemeIncomplete::PreContext(end)) => {
                let (context, context_start, _, _) = rope.chunk_at_byte(end.saturating_sub(1));
                cursor.provide_context(&context[..end - context_start], context_start);
            }
            // The cursor was given the chunk it asked for, so nothing else is reported.
            Err(GraphemeIncomplete::InvalidOffset) => return at,
        }
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Answers the start of the word before `at`.
pub(super) fn word_left(rope: &Rope, at: usize) -> usize {
    let mut at = at.min(rope.len_chars());
    while at > 0 && !is_word(rope.char(at - 1)) {
        at -= 1;
    }
    while at > 0 && is_word(rope.char(at - 1)) {
        at -= 1;
    }
    at
}

/// Answers the end of the next word.
pub(super) fn word_right(rope: &Rope, at: usize) -> usize {
    let end = rope.len_chars();
    let mut at = at.min(end);
    while at < end && !is_word(rope.char(at)) {
        at += 1;
    }
    while at < end && is_word(rope.char(at)) {
        at += 1;
    }
    at
}

/// Answers the start of the line.
pub(super) fn line_start(rope: &Rope, at: usize) -> usize {
    rope.line_to_char(rope.char_to_line(at.min(rope.len_chars())))
}

/// Answers the end of the line, before its line break.
pub(super) fn line_end(rope: &Rope, at: usize) -> usize {
    let line = rope.char_to_line(at.min(rope.len_chars()));
    let next = rope.line_to_char((line + 1).min(rope.len_lines()));
    let breaks = line + 1 < rope.len_lines();
    if breaks { next - 1 } else { next }
}

/// Answers the start of the line, or behind the line before when already there.
pub(super) fn kill_start(rope: &Rope, at: usize) -> usize {
    let start = line_start(rope, at);
    if start == at { left(rope, at) } else { start }
}

/// Answers the end of the line, or behind its line break when already there.
pub(super) fn kill_end(rope: &Rope, at: usize) -> usize {
    let end = line_end(rope, at);
    if end == at { right(rope, at) } else { end }
}
