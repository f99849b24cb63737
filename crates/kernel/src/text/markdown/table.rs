//! Tables: columns as wide as their content where there is room, narrower with wrapped cells where there is not.

use pulldown_cmark::{Alignment, Event, Tag, TagEnd};

use super::block::{Layout, wrapped};
use crate::text::{Attrs, Line, Span, Style, Token, line_width, span::spaces};

/// Cells between two columns: a blank, a line, a blank.
const GAP: usize = 3;

/// No column is made narrower than this.
const NARROWEST: usize = 4;

type Row = Vec<Vec<Line>>;

pub(super) fn lay_out(
    layout: &mut Layout<'_, '_>,
    alignments: &[Alignment],
    width: usize,
    base: &Style,
) -> Vec<Line> {
    let rows = read(layout, base);
    let columns = alignments.len().max(1);
    let natural: Vec<usize> = (0..columns).map(|column| widest(&rows, column)).collect();
    let available = width.saturating_sub(GAP * (columns - 1));
    match share(&natural, available) {
        Some(widths) => grid(&rows, &widths, alignments),
        None => stacked(&rows, width),
    }
}

fn read(layout: &mut Layout<'_, '_>, base: &Style) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    let mut head = false;
    while let Some(event) = layout.next() {
        match event {
            Event::Start(Tag::TableHead) => {
                head = true;
                rows.push(Row::new());
            }
            Event::Start(Tag::TableRow) => rows.push(Row::new()),
            Event::Start(Tag::TableCell) => {
                let style = if head { base.clone().with(Attrs::BOLD) } else { base.clone() };
                let cell = layout.inline(&style);
                if let Some(row) = rows.last_mut() {
                    row.push(cell);
                }
            }
            Event::End(TagEnd::TableHead) => head = false,
            Event::End(TagEnd::Table) => break,
            _ => {}
        }
    }
    rows
}

fn widest(rows: &[Row], column: usize) -> usize {
    rows.iter()
        .filter_map(|row| row.get(column))
        .flatten()
        .map(|line| line_width(line))
        .max()
        .unwrap_or(0)
        .max(1)
}

/// Shares the available cells among the columns; `None` where the table is better shown as a list.
fn share(natural: &[usize], available: usize) -> Option<Vec<usize>> {
    if natural.iter().sum::<usize>() <= available {
        return Some(natural.to_vec());
    }
    if natural.iter().map(|width| (*width).min(NARROWEST)).sum::<usize>() > available {
        return None;
    }
    // The widest columns give way first: find the largest cap under which all fit.
    let cap = (1..=available)
        .rev()
        .find(|cap| natural.iter().map(|width| (*width).min(*cap)).sum::<usize>() <= available)?;
    let mut widths: Vec<usize> = natural.iter().map(|width| (*width).min(cap)).collect();
    let mut spare = available - widths.iter().sum::<usize>();
    for (width, wanted) in widths.iter_mut().zip(natural) {
        if spare > 0 && *width < *wanted {
            *width += 1;
            spare -= 1;
        }
    }
    Some(widths)
}

fn grid(rows: &[Row], widths: &[usize], alignments: &[Alignment]) -> Vec<Line> {
    let edge = Style::fg(Token::BorderMuted);
    let mut lines = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let cells: Vec<Vec<Line>> = (0..widths.len())
            .map(|column| wrapped(row.get(column).map_or(&[][..], Vec::as_slice), widths[column]))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or(1).max(1);
        for at in 0..height {
            let mut line = Line::new();
            for (column, cell) in cells.iter().enumerate() {
                if column > 0 {
                    line.push(Span::new(" │ ", edge.clone()));
                }
                let last = column + 1 == cells.len();
                let alignment = alignments.get(column).copied().unwrap_or(Alignment::None);
                aligned(&mut line, cell.get(at), widths[column], alignment, last);
            }
            lines.push(line);
        }
        if index == 0 {
            let rule = widths.iter().map(|width| "─".repeat(*width)).collect::<Vec<_>>().join("─┼─");
            lines.push(vec![Span::new(rule, edge.clone())]);
        }
    }
    lines
}

fn aligned(line: &mut Line, cell: Option<&Line>, width: usize, alignment: Alignment, last: bool) {
    let empty = Line::new();
    let cell = cell.unwrap_or(&empty);
    let free = width.saturating_sub(line_width(cell));
    let before = match alignment {
        Alignment::Right => free,
        Alignment::Center => free / 2,
        Alignment::None | Alignment::Left => 0,
    };
    let after = if last { 0 } else { free - before };
    for (gap, content) in [(before, cell.as_slice()), (after, &[])] {
        if gap > 0 {
            line.push(Span::new(spaces(gap), Style::default()));
        }
        line.extend(content.iter().cloned());
    }
}

/// Shows each row as its cells under one another, led by the column's heading.
fn stacked(rows: &[Row], width: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let Some((head, body)) = rows.split_first() else { return lines };
    for (index, row) in body.iter().enumerate() {
        if index > 0 {
            lines.push(vec![Span::new("─".repeat(width), Style::fg(Token::BorderMuted))]);
        }
        for (column, cell) in row.iter().enumerate() {
            let mut line: Line =
                head.get(column).and_then(|heading| heading.first()).cloned().unwrap_or_default();
            line.push(Span::new(": ", Style::fg(Token::Dim)));
            line.extend(cell.iter().flatten().cloned());
            lines.extend(wrapped(&[line], width));
        }
    }
    if body.is_empty() {
        lines.extend(head.iter().flat_map(|cell| wrapped(cell, width)));
    }
    lines
}
