//! Pieces of one line of text, flowing into rows, and where its characters came to stand.

use std::collections::BTreeMap;

use crate::text::{Line, Span, Style, TAB_WIDTH, break_line, graphemes};

/// A piece in one style.
pub(super) struct Piece {
    pub(super) text: String,
    pub(super) style: Style,
    /// The position of its first character; absent for text that is not the buffer's.
    pub(super) at: Option<usize>,
}

/// Rows of one line.
#[derive(Default)]
pub(super) struct Flow {
    pub(super) rows: Vec<Line>,
    places: BTreeMap<usize, (usize, usize)>,
    col: usize,
}

impl Flow {
    /// Lays pieces out in `width` cells, broken at words as [`crate::text::wrap`] breaks them; remembers where the wanted positions stand.
    pub(super) fn lay_out(pieces: Vec<Piece>, width: usize, wraps: bool, mut wanted: Vec<usize>) -> Self {
        wanted.sort_unstable();
        let mut flow = Self { rows: vec![Line::new()], ..Self::default() };
        let text: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        let rows = if wraps { break_line(&text, width, width) } else { Vec::new() };
        let mut breaks = rows.into_iter().map(|row| row.next).peekable();
        let (mut byte, mut end) = (0, None);
        for piece in pieces {
            let mut at = piece.at;
            for (cluster, cells) in graphemes(&piece.text) {
                if breaks.next_if(|next| *next <= byte).is_some() {
                    flow.rows.push(Line::new());
                    flow.col = 0;
                }
                byte += cluster.len();
                let cells = if cluster == "\t" { TAB_WIDTH - flow.col % TAB_WIDTH } else { cells };
                let count = cluster.chars().count();
                if let Some(at) = at.as_mut() {
                    let col = if wraps { flow.col.min(width.saturating_sub(1)) } else { flow.col };
                    flow.remember(&wanted, *at..*at + count, col);
                    *at += count;
                }
                // Blanks at which a row is broken hang over its end.
                if wraps && flow.col + cells > width && [" ", "\t"].contains(&cluster) {
                    continue;
                }
                let blank = " ".repeat(if cluster == "\t" { cells } else { 0 });
                flow.push(if cluster == "\t" { &blank } else { cluster }, &piece.style);
                flow.col += cells;
            }
            end = at.or(end);
        }
        if let Some(end) = end.filter(|end| wanted.binary_search(end).is_ok()) {
            let row = flow.rows.len() - 1;
            // A cursor behind a full row stands at the beginning of the next.
            let place = if wraps && flow.col >= width { (row + 1, 0) } else { (row, flow.col) };
            if place.0 > row {
                flow.rows.push(Line::new());
                flow.col = 0;
            }
            flow.places.insert(end, place);
        }
        flow
    }

    fn remember(&mut self, wanted: &[usize], range: std::ops::Range<usize>, col: usize) {
        let first = wanted.partition_point(|at| *at < range.start);
        for at in wanted[first..].iter().take_while(|at| **at < range.end) {
            self.places.entry(*at).or_insert((self.rows.len() - 1, col));
        }
    }

    fn push(&mut self, text: &str, style: &Style) {
        let Some(row) = self.rows.last_mut() else { return };
        match row.last_mut() {
            Some(span) if span.style == *style => span.text.to_mut().push_str(text),
            _ => row.push(Span::new(text.to_owned(), style.clone())),
        }
    }

    /// Puts text behind the last row, a blank apart.
    pub(super) fn append(&mut self, line: &[Span]) {
        if let Some(row) = self.rows.last_mut().filter(|_| !line.is_empty()) {
            row.push(Span::from(" "));
            row.extend(line.iter().cloned());
        }
    }

    /// Answers row and column of a position that was wanted.
    pub(super) fn place(&self, at: usize) -> Option<(usize, usize)> {
        self.places.get(&at).copied()
    }
}
