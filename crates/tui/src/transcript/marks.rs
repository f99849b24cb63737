//! Marks on the transcript. It has no text of its own, so their positions count its blocks: a mark on block 3 is
//! `pos = 3`, one on the blocks 3 to 5 has `end_pos = 6`.

use purlin_kernel::{
    Kernel, Mark, VirtPos,
    text::{Line, Span, Style, line_width},
};

use super::look::fitted;

/// More marks than this are not looked at for one frame.
const MOST: usize = 5_000;

/// Columns of the signs.
const SIGNS: usize = 2;

/// Answers the marks of a transcript of so many blocks.
pub(super) fn of(kernel: &Kernel, buffer: &str, count: usize) -> Vec<Mark> {
    if !kernel.mark().is_marked(buffer) {
        return Vec::new();
    }
    let mut marks = kernel.mark().all(buffer, 0..count + 1);
    marks.truncate(MOST);
    marks
}

/// Answers the columns that signs take at the left.
pub(super) fn gutter(marks: &[Mark], width: usize) -> usize {
    let any = marks.iter().any(|mark| mark.options.sign.is_some());
    if any && width > 4 * SIGNS { SIGNS } else { 0 }
}

/// Answers the lines of block `index` with what its marks show.
pub(super) fn applied<'m>(
    lines: &[Line],
    marks: impl Iterator<Item = &'m Mark>,
    index: usize,
    width: usize,
) -> Vec<Line> {
    let mut lines = lines.to_vec();
    let mut below = Vec::new();
    for mark in marks {
        let options = &mark.options;
        if mark.end.is_some_and(|end| index < end) {
            let mut top = options.hl.clone().map(Style::group).unwrap_or_default();
            top.url = options.url.clone().or(top.url);
            for span in lines.iter_mut().flatten() {
                span.style = span.style.patch(&top);
            }
        }
        if mark.start != index {
            continue;
        }
        below.extend(options.virt_lines.iter().map(|line| fitted(line.clone(), width)));
        if let Some(first) = lines.first_mut().filter(|_| !options.virt_text.is_empty()) {
            *first = placed(std::mem::take(first), &options.virt_text, options.virt_text_pos, width);
        }
    }
    lines.extend(below);
    lines
}

/// Puts a mark's own text into the first line of its block.
fn placed(line: Line, text: &[Span], at: VirtPos, width: usize) -> Line {
    let own = line_width(text);
    let (head, tail) = match at {
        VirtPos::Inline => (text.to_vec(), line),
        VirtPos::Eol => (trimmed(line), [&[Span::from(" ")], text].concat()),
        VirtPos::Overlay => (text.to_vec(), after(&line, own)),
        VirtPos::RightAlign => {
            let room = width.saturating_sub(own);
            let kept = fitted(trimmed(line), room);
            let free = room - line_width(&kept).min(room);
            let gap = Span::from(" ".repeat(free));
            (kept, [&[gap], text].concat())
        }
    };
    fitted([head, tail].concat(), width)
}

/// A line without the blanks that fill it up.
fn trimmed(mut line: Line) -> Line {
    while line.last().is_some_and(|span| span.text.trim().is_empty()) {
        line.pop();
    }
    line
}

/// What of a line stands behind its first `cells` cells.
fn after(line: &[Span], cells: usize) -> Line {
    let mut left = cells;
    let mut rest = Line::new();
    for span in line {
        let wide = span.width();
        if wide <= left {
            left -= wide;
            continue;
        }
        let cut = purlin_kernel::text::fit(&span.text, left).len();
        rest.push(Span::new(span.text[cut..].to_owned(), Style::clone(&span.style)));
        left = 0;
    }
    rest
}
