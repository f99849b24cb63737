//! What a terminal would show of a text: carriage returns, backspaces and erasures carried out.
//!
//! A progress bar writes the same line a thousand times; of it only the last state is worth keeping. The fold keeps a
//! window of rows as text, turns a row into cells only when something is written over it, and answers what has changed
//! since it was asked last: how much of the end of the former text is void, and what stands there now.
//!
//! Text without control characters passes unchanged, byte for byte. Colours (SGR) and links (OSC 8) stay in the text;
//! other sequences are orders to a terminal and are left out. Every `char` but a combining mark takes one column.

mod pen;
mod row;
mod sequence;

use std::collections::VecDeque;

use pen::Pen;
use row::{End, Row};
use sequence::{Sequence, Sequences};

/// How many rows can still be written over; what stands above them is settled.
const WINDOW: usize = 100;
/// How many columns a row has; what is longer goes on in the next row, as on a terminal.
const COLUMNS: usize = 4096;
/// How many bytes a row that is not written over has at most.
const ROW_BYTES: usize = 16 * 1024;

/// What has changed of a folded text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// How many bytes at the end of the former text are void.
    pub cut: u64,
    /// What stands there now.
    pub text: String,
}

/// Folds a text that arrives in pieces; a sequence may be cut anywhere. Memory is bounded by the window, and by what
/// was not taken yet.
///
/// ```
/// use purlin_runtime_core::Fold;
///
/// let mut fold = Fold::new();
/// fold.push("10%\r");
/// assert_eq!(fold.take().text, "10%");
/// fold.push("20%\ndone\n");
/// let change = fold.take();
/// assert_eq!((change.cut, change.text.as_str()), (3, "20%\ndone\n"));
/// ```
#[derive(Debug)]
pub struct Fold {
    raw: bool,
    sequences: Sequences,
    rows: VecDeque<Row>,
    cursor: Cursor,
    pen: Pen,
    /// A carriage return came directly before, at the end of the last row.
    returned: bool,
    /// Where the first row of the window begins in the text.
    top: u64,
    /// How long the text was when it was taken last.
    taken: u64,
    /// What of the taken text still holds.
    holds: u64,
    /// Text in front of the window that was not taken.
    settled: String,
}

/// Where the next character goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cursor {
    /// At the end of the last row.
    End,
    /// Onto a column of a row of the window.
    At { row: usize, column: usize },
}

impl Default for Fold {
    fn default() -> Self {
        Self::new()
    }
}

impl Fold {
    /// Makes a fold at the beginning of a text.
    pub fn new() -> Self {
        Self {
            raw: false,
            sequences: Sequences::default(),
            rows: VecDeque::from([Row::new(Pen::default())]),
            cursor: Cursor::End,
            pen: Pen::default(),
            returned: false,
            top: 0,
            taken: 0,
            holds: 0,
            settled: String::new(),
        }
    }

    /// Makes one that leaves every character as it is.
    pub fn raw() -> Self {
        Self { raw: true, ..Self::new() }
    }

    /// Takes the next text.
    pub fn push(&mut self, text: &str) {
        if self.raw {
            self.settled.push_str(text);
            self.top += text.len() as u64;
            return;
        }
        let mut rest = text;
        while !rest.is_empty() {
            if self.sequences.is_open() {
                let (used, sequence) = self.sequences.feed(rest);
                rest = &rest[used..];
                if let Some(sequence) = sequence {
                    self.obey(&sequence);
                }
                continue;
            }
            let plain = plain_len(rest);
            self.write(&rest[..plain]);
            rest = &rest[plain..];
            let Some(order) = rest.bytes().next() else { break };
            rest = &rest[1..];
            match order {
                b'\r' => self.carriage_return(),
                b'\x08' => self.left(1),
                b'\x1b' => self.sequences.open(),
                // The bell.
                _ => {}
            }
        }
    }

    /// Begins a new text, as if on a cleared screen; what was not taken is forgotten.
    pub fn restart(&mut self) {
        let (sequences, pen, raw) = (std::mem::take(&mut self.sequences), self.pen, self.raw);
        *self = Self { sequences, pen, raw, rows: VecDeque::from([Row::new(pen)]), ..Self::new() };
    }

    /// Answers what has changed since the last time.
    pub fn take(&mut self) -> Change {
        self.render();
        let mut text = std::mem::take(&mut self.settled);
        let mut at = self.top;
        for row in &self.rows {
            let (from, len) = (self.holds.saturating_sub(at), row.len());
            if from < len {
                row.write_from(from as usize, &mut text);
            }
            at += len;
        }
        let cut = self.taken - self.holds.min(self.taken);
        self.taken = at;
        self.holds = at;
        Change { cut, text }
    }

    /// Writes text that holds no order but line ends.
    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let text = self.settle_most(text);
        for (number, line) in text.split('\n').enumerate() {
            if number > 0 {
                self.line_feed();
            }
            if !line.is_empty() {
                self.returned = false;
                self.print(line);
            }
        }
    }

    /// Puts what is more than a window away from the end in front of the window at once; answers the rest.
    fn settle_most<'a>(&mut self, text: &'a str) -> &'a str {
        if self.cursor != Cursor::End || text.len() < 2 * WINDOW {
            return text;
        }
        let Some((at, _)) = text.rmatch_indices('\n').nth(WINDOW) else { return text };
        let (front, rest) = text.split_at(at + 1);
        if let Some(last) = self.rows.back_mut() {
            last.append(front);
        }
        self.evict(0);
        self.rows.push_back(Row::new(self.pen));
        rest
    }

    fn print(&mut self, line: &str) {
        match self.cursor {
            Cursor::End => {
                let mut line = line;
                while let Some(last) = self.rows.back_mut() {
                    let room = ROW_BYTES.saturating_sub(last.len() as usize);
                    if line.len() <= room {
                        last.append(line);
                        break;
                    }
                    let at = crate::text::floor_boundary(line, room);
                    last.append(&line[..at]);
                    line = &line[at..];
                    self.new_row(End::Wrap);
                }
            }
            Cursor::At { .. } => line.chars().for_each(|char| self.print_over(char)),
        }
    }

    fn print_over(&mut self, char: char) {
        let Cursor::At { row, column } = self.cursor else {
            let mut bytes = [0; 4];
            return self.print(char.encode_utf8(&mut bytes));
        };
        if row::is_mark(char) {
            if column > 0 {
                self.touch(row);
                self.rows[row].mark(column - 1, char);
            }
            return;
        }
        if column >= COLUMNS {
            self.next_row(End::Wrap);
            return self.print_over(char);
        }
        self.touch(row);
        let width = self.rows[row].put(column, char, self.pen);
        self.cursor = Cursor::At { row, column: column + width };
    }

    fn line_feed(&mut self) {
        let end = if std::mem::take(&mut self.returned) { End::ReturnedLine } else { End::Line };
        self.next_row(end);
    }

    /// Moves to the beginning of the next row, which is made if the cursor is in the last.
    fn next_row(&mut self, end: End) {
        match self.cursor {
            Cursor::At { row, .. } if row + 1 < self.rows.len() => {
                self.cursor = Cursor::At { row: row + 1, column: 0 };
            }
            _ => self.new_row(end),
        }
    }

    fn new_row(&mut self, end: End) {
        let pen = self.pen;
        let last = self.rows.len() - 1;
        if self.rows[last].would_end_otherwise(pen) {
            self.touch(last);
        }
        self.rows[last].close(end, pen);
        self.rows.push_back(Row::new(pen));
        self.cursor = Cursor::End;
        if self.rows.len() > WINDOW {
            self.evict(WINDOW);
        }
    }

    fn carriage_return(&mut self) {
        let row = match self.cursor {
            Cursor::At { row, .. } => row,
            Cursor::End => {
                self.returned = true;
                let last = self.rows.len() - 1;
                // In an empty row it changes nothing; what follows can go on as plain text.
                if self.rows[last].len() == 0 {
                    return;
                }
                last
            }
        };
        self.cursor = Cursor::At { row, column: 0 };
    }

    fn left(&mut self, columns: usize) {
        let (row, column) = self.place();
        self.returned = false;
        self.cursor = Cursor::At { row, column: column.saturating_sub(columns) };
    }

    /// Carries out an order to the terminal.
    fn obey(&mut self, sequence: &Sequence) {
        if let Sequence::Verbatim { text, pen } = sequence {
            if let Some(codes) = pen {
                self.pen.apply(codes);
            }
            // Over written rows colours are kept by cell; a link there is lost, its text is not.
            if self.cursor == Cursor::End
                && let Some(last) = self.rows.back_mut()
            {
                last.append(text);
                last.write_with(self.pen);
            }
            return;
        }
        self.returned = false;
        let nothing_behind = matches!(sequence, Sequence::EraseLine(0) | Sequence::EraseBelow);
        if *sequence == Sequence::Nothing || (self.cursor == Cursor::End && nothing_behind) {
            return;
        }
        let (row, column) = self.place();
        let last = self.rows.len() - 1;
        let at =
            |row: usize, column: usize| Cursor::At { row: row.min(last), column: column.min(COLUMNS - 1) };
        match *sequence {
            Sequence::Up(n) => self.cursor = at(row.saturating_sub(n), column),
            Sequence::Down(n) => self.cursor = at(row.saturating_add(n), column),
            Sequence::Right(n) => self.cursor = at(row, column.saturating_add(n)),
            Sequence::Left(n) => self.left(n),
            Sequence::UpLine(n) => self.cursor = at(row.saturating_sub(n), 0),
            Sequence::DownLine(n) => self.cursor = at(row.saturating_add(n), 0),
            Sequence::Column(n) => self.cursor = at(row, n.saturating_sub(1)),
            Sequence::EraseLine(how) => self.erase(row, column, how),
            Sequence::EraseBelow => {
                self.erase(row, column, 0);
                if row < last {
                    self.touch(row);
                    self.rows.truncate(row + 1);
                    self.rows[row].reopen(self.pen);
                }
            }
            Sequence::Verbatim { .. } | Sequence::Nothing => {}
        }
    }

    fn erase(&mut self, row: usize, column: usize, how: u16) {
        self.touch(row);
        self.rows[row].erase(column, how);
        self.cursor = Cursor::At { row, column };
    }

    /// Where the cursor is, in rows and columns.
    fn place(&mut self) -> (usize, usize) {
        match self.cursor {
            Cursor::At { row, column } => (row, column),
            Cursor::End => {
                let row = self.rows.len() - 1;
                (row, self.rows[row].columns())
            }
        }
    }

    /// Notes that a row is about to change: what was taken of it is void.
    fn touch(&mut self, row: usize) {
        if self.rows[row].is_touched() {
            return;
        }
        // Rows in front that are touched themselves have a length that is out of date, and a place that is further up.
        let start = self.top + self.rows.iter().take(row).map(Row::len).sum::<u64>();
        self.holds = self.holds.min(start);
        self.rows[row].touch();
    }

    /// Brings the texts of the rows up to date.
    fn render(&mut self) {
        let last = self.rows.len() - 1;
        if self.rows[last].would_end_otherwise(self.pen) {
            self.touch(last);
        }
        self.rows[last].close(End::Open, self.pen);
        self.rows.iter_mut().for_each(Row::render);
    }

    /// Settles the rows at the top until so many are left.
    fn evict(&mut self, keep: usize) {
        while self.rows.len() > keep {
            let Some(mut row) = self.rows.pop_front() else { return };
            row.render();
            let (from, len) = (self.holds.saturating_sub(self.top), row.len());
            if from < len {
                row.write_from(from as usize, &mut self.settled);
            }
            self.top += len;
            if let Cursor::At { row, .. } = &mut self.cursor {
                *row = row.saturating_sub(1);
            }
        }
    }
}

/// The bytes that begin an order to the terminal that the fold carries out.
const ORDERS: [u8; 4] = [b'\r', b'\x08', b'\x1b', b'\x07'];

/// Counts the bytes in front of the first order.
fn plain_len(text: &str) -> usize {
    // Piece by piece, so that the search for an order that does not come ends where another one comes.
    const PIECE: usize = 1024;
    for (number, piece) in text.as_bytes().chunks(PIECE).enumerate() {
        if ORDERS.iter().any(|order| piece.contains(order)) {
            let at = piece.iter().position(|byte| ORDERS.contains(byte)).unwrap_or(piece.len());
            return number * PIECE + at;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests;
