//! The stock renderer of a window that has no other: its buffer's text with marks, or its blocks, scrolled and with a
//! cursor of its own.
//!
//! `scroll.offset` is the first line shown; it follows the cursor while the window has the focus. The window variable
//! `follow` shows the end instead, `wrap = false` cuts long lines at the edge.

mod flow;

use std::ops::Range;
use std::rc::Rc;

use serde_json::Value;

use super::{RenderContext, Renderer, Window};
use crate::mark::{Mark, VirtPos};
use crate::text::{Line, Span, Style, line_width, wrap};
use crate::{Buffer, HandlerError, Kernel};
use flow::{Flow, Piece};

/// More marks than this are not looked at for one frame.
const MARKS: usize = 5_000;

/// So many styles are laid over one another at a place; the lowest beyond them are left out.
const LAYERS: usize = 64;

/// Cells of the column in which signs stand.
const SIGNS: usize = 2;

/// Rows that are measured at most.
const MEASURED: usize = 1_000;

/// Draws a buffer's text with its marks.
#[derive(Debug, Clone, Copy, Default)]
pub struct TextView;

impl Renderer for TextView {
    fn render(&self, cx: &mut RenderContext<'_>) -> Result<(), HandlerError> {
        let kernel = cx.kernel.clone();
        let window = Rc::clone(&cx.window);
        let Some(buffer) = kernel.buf().get(&window.buffer) else { return Ok(()) };
        let (width, height) = (usize::from(cx.canvas.width()), usize::from(cx.canvas.height()));
        if width == 0 || height == 0 {
            return Ok(());
        }
        if buffer.rope.len_chars() == 0 && kernel.buf().block_count(&window.buffer) > 0 {
            draw_blocks(cx, width, height);
            return Ok(());
        }
        let view = View::new(&kernel, &window, &buffer, width, height);
        let top = view.top(cx.focused);
        if top != window.scroll.offset {
            kernel.win().note_offset(&window.name, top);
        }
        view.draw(cx, top);
        Ok(())
    }

    fn measure(&self, kernel: &Kernel, window: &Window, width: u16) -> Option<u16> {
        let buffer = kernel.buf().get(&window.buffer)?;
        if buffer.rope.len_chars() == 0 && kernel.buf().block_count(&window.buffer) > 0 {
            return Some(kernel.buf().block_count(&window.buffer).min(MEASURED) as u16);
        }
        let view = View::new(kernel, window, &buffer, usize::from(width.max(1)), MEASURED);
        let mut rows = 0;
        for line in 0..buffer.line_count() {
            rows += view.line(line).height();
            if rows >= MEASURED {
                break;
            }
        }
        Some(rows.min(MEASURED) as u16)
    }
}

/// The text of one window as it is drawn.
struct View<'a> {
    kernel: &'a Kernel,
    window: &'a Window,
    buffer: &'a Buffer,
    width: usize,
    height: usize,
    wraps: bool,
    cursor: usize,
}

/// One line of the text, laid out.
struct Laid {
    flow: Flow,
    below: Vec<Line>,
    sign: Option<Span>,
    marks: Vec<Mark>,
    start: usize,
}

impl Laid {
    fn height(&self) -> usize {
        self.flow.rows.len() + self.below.len()
    }
}

impl<'a> View<'a> {
    fn new(kernel: &'a Kernel, window: &'a Window, buffer: &'a Buffer, width: usize, height: usize) -> Self {
        let wraps = window.vars.get("wrap") != Some(&Value::Bool(false));
        let cursor = kernel.win().point(window).min(buffer.rope.len_chars());
        Self { kernel, window, buffer, width, height, wraps, cursor }
    }

    /// Answers the first line to show.
    fn top(&self, focused: bool) -> usize {
        let last = self.buffer.line_count().saturating_sub(1);
        if self.window.vars.get("follow") == Some(&Value::Bool(true)) {
            return self.first_above(last);
        }
        let top = self.window.scroll.offset.min(last);
        if !focused {
            return top;
        }
        let line = self.buffer.rope.char_to_line(self.cursor);
        if line < top { line } else { top.max(self.first_above(line)) }
    }

    /// Answers the first line from which this one is still seen as a whole.
    fn first_above(&self, line: usize) -> usize {
        let mut rows = 0;
        let mut first = line;
        loop {
            rows += self.line(first).height();
            if rows > self.height {
                return (first + 1).min(line);
            }
            if first == 0 {
                return 0;
            }
            first -= 1;
        }
    }

    fn range(&self, line: usize) -> Range<usize> {
        let start = self.buffer.rope.line_to_char(line);
        let next = self.buffer.rope.line_to_char(line + 1);
        let has_break = line + 1 < self.buffer.line_count();
        // A giant line costs what can be seen of it.
        let end = (next - usize::from(has_break)).min(start + self.width * (self.height + 1) * 2);
        start..end
    }

    fn line(&self, line: usize) -> Laid {
        let range = self.range(line);
        let touching = range.start..range.end + 1;
        let mut marks = self.kernel.mark().all(&self.window.buffer, touching);
        marks.truncate(MARKS);
        let gutter = if self.has_signs() { SIGNS } else { 0 };
        let room = self.width.saturating_sub(gutter).max(1);
        let text = self.buffer.rope.slice(range.clone()).to_string();
        let pieces = pieces(text.trim_end_matches('\r'), range.start, &marks);
        let wanted = marks.iter().map(|mark| mark.start).chain([self.cursor]).collect();
        let mut flow = Flow::lay_out(pieces, room, self.wraps, wanted);
        let here = |mark: &&Mark| range.contains(&mark.start) || mark.start == range.end;
        for mark in marks.iter().filter(here).filter(|mark| mark.options.virt_text_pos == VirtPos::Eol) {
            flow.append(&mark.options.virt_text);
        }
        let below = marks.iter().filter(here).flat_map(|mark| mark.options.virt_lines.clone()).collect();
        let sign = marks.iter().filter(here).rev().find_map(|mark| mark.options.sign.clone());
        Laid { flow, below, sign, marks, start: range.start }
    }

    /// Tells whether a mark near what is shown has a sign, so that the text keeps clear of them.
    fn has_signs(&self) -> bool {
        let top = self.window.scroll.offset.min(self.buffer.line_count().saturating_sub(1));
        let end = (top + self.height).min(self.buffer.line_count());
        let range = self.buffer.rope.line_to_char(top)..self.buffer.rope.line_to_char(end) + 1;
        self.kernel.mark().any(&self.window.buffer, &range, |mark| mark.options.sign.is_some())
    }

    fn draw(&self, cx: &mut RenderContext<'_>, top: usize) {
        let gutter = if self.has_signs() { SIGNS as i32 } else { 0 };
        let mut row = 0;
        for line in top..self.buffer.line_count() {
            if row >= self.height {
                return;
            }
            let laid = self.line(line);
            if let Some(sign) = &laid.sign {
                cx.canvas.part(row as i32, 0, 1, gutter).spans(0, 0, std::slice::from_ref(sign));
            }
            for (at, spans) in laid.flow.rows.iter().chain(&laid.below).enumerate() {
                cx.canvas.spans((row + at) as i32, gutter, spans);
            }
            self.draw_over(cx, &laid, row, gutter);
            if let Some((at, col)) = laid.flow.place(self.cursor).filter(|_| {
                let range = self.range(line);
                (range.start..=range.end).contains(&self.cursor)
            }) {
                let last = self.width.saturating_sub(1);
                cx.set_cursor((row + at) as u16, (col + gutter as usize).min(last) as u16);
            }
            row += laid.height();
        }
    }

    /// Draws what lies over the text or at the right edge.
    fn draw_over(&self, cx: &mut RenderContext<'_>, laid: &Laid, row: usize, gutter: i32) {
        for mark in laid.marks.iter().filter(|mark| mark.start >= laid.start) {
            let text = &mark.options.virt_text;
            match mark.options.virt_text_pos {
                VirtPos::Overlay => {
                    if let Some((at, col)) = laid.flow.place(mark.start) {
                        cx.canvas.spans((row + at) as i32, gutter + col as i32, text);
                    }
                }
                VirtPos::RightAlign => {
                    cx.canvas.spans(row as i32, self.width as i32 - line_width(text) as i32, text);
                }
                VirtPos::Eol | VirtPos::Inline => {}
            }
        }
    }
}

/// Divides a line's text where its look changes, with the texts that marks put in between.
fn pieces(text: &str, start: usize, marks: &[Mark]) -> Vec<Piece> {
    let length = text.chars().count();
    let mut edges = vec![0, length];
    for mark in marks {
        let ends = [Some(mark.start), mark.end];
        edges.extend(ends.into_iter().flatten().filter_map(|at| at.checked_sub(start)));
    }
    edges.retain(|at| *at <= length);
    edges.sort_unstable();
    edges.dedup();
    let mut pieces = Vec::new();
    let mut rest = text;
    for (from, to) in edges.iter().zip(edges.iter().skip(1).chain([&length])) {
        let inline =
            |mark: &&Mark| mark.start == start + from && mark.options.virt_text_pos == VirtPos::Inline;
        for span in marks.iter().filter(inline).flat_map(|mark| &mark.options.virt_text) {
            pieces.push(Piece { text: span.text.to_string(), style: span.style.clone(), at: None });
        }
        let bytes = rest.char_indices().nth(to - from).map_or(rest.len(), |(at, _)| at);
        let (part, after) = rest.split_at(bytes);
        rest = after;
        let style = style(start + from, marks);
        pieces.push(Piece { text: part.to_owned(), style, at: Some(start + from) });
    }
    pieces
}

/// Answers what the marks make of the character at a position.
fn style(at: usize, marks: &[Mark]) -> Style {
    let covers = |mark: &&Mark| mark.start <= at && mark.end.is_some_and(|end| at < end);
    let mut layers: Vec<&Mark> = marks.iter().filter(covers).collect();
    layers.sort_by_key(|mark| (mark.options.priority, mark.id));
    let skipped = layers.len().saturating_sub(LAYERS);
    layers.into_iter().skip(skipped).fold(Style::default(), |style, mark| {
        let mut top = mark.options.hl.clone().map(Style::group).unwrap_or_default();
        top.url = mark.options.url.clone().or(top.url);
        style.patch(&top)
    })
}

/// Shows the last blocks that fit, above the rows that are scrolled away below.
fn draw_blocks(cx: &mut RenderContext<'_>, width: usize, height: usize) {
    let kernel = cx.kernel.clone();
    let name = cx.window.buffer.clone();
    let wanted = height + cx.window.scroll.offset.min(MEASURED);
    let mut rows: Vec<String> = Vec::new();
    for at in (0..kernel.buf().block_count(&name)).rev() {
        let Some(block) = kernel.buf().blocks(&name, at..at + 1).pop().filter(|block| !block.hidden) else {
            continue;
        };
        rows.extend(wrap(&block.text, width).into_iter().rev());
        if rows.len() >= wanted {
            break;
        }
    }
    let hidden = cx.window.scroll.offset.min(rows.len().saturating_sub(height));
    for (row, text) in rows.iter().skip(hidden).take(height).rev().enumerate() {
        cx.canvas.text(row as i32, 0, text, &Style::default());
    }
}
