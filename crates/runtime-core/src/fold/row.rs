//! One row of the window: text, and cells once it is written over.

use super::pen::Pen;

/// How a row ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It is the last one.
    Open,
    /// With a line end.
    Line,
    /// With a carriage return and a line end.
    ReturnedLine,
    /// It was full.
    Wrap,
}

impl End {
    fn as_str(self) -> &'static str {
        match self {
            Self::Open | Self::Wrap => "",
            Self::Line => "\n",
            Self::ReturnedLine => "\r\n",
        }
    }
}

#[derive(Clone, Debug)]
struct Cell {
    char: char,
    /// Combining marks on it.
    marks: Option<String>,
    pen: Pen,
    /// The second and further columns of a tab.
    filler: bool,
}

impl Cell {
    fn new(char: char, pen: Pen) -> Self {
        Self { char, marks: None, pen, filler: false }
    }
}

#[derive(Debug)]
pub(super) struct Row {
    /// The pen at its beginning.
    start: Pen,
    /// The pen that is to stand after it.
    after: Pen,
    /// The pen that its text ends with.
    written: Pen,
    text: String,
    cells: Option<Vec<Cell>>,
    end: End,
    /// The cells are ahead of the text.
    touched: bool,
}

const TAB: usize = 8;
/// How many combining marks one cell takes.
const MARKS: usize = 64;

impl Row {
    pub(super) fn new(start: Pen) -> Self {
        Self {
            start,
            after: start,
            written: start,
            text: String::new(),
            cells: None,
            end: End::Open,
            touched: false,
        }
    }

    /// How many bytes it has, its end included; out of date while it is touched.
    pub(super) fn len(&self) -> u64 {
        (self.text.len() + self.end.as_str().len()) as u64
    }

    pub(super) fn write_from(&self, from: usize, into: &mut String) {
        let end = self.end.as_str();
        match self.text.get(from..) {
            Some(text) => {
                into.push_str(text);
                into.push_str(end);
            }
            None => into.push_str(end.get(from - self.text.len()..).unwrap_or_default()),
        }
    }

    /// Adds text at the end of a row whose cells nobody asked for.
    pub(super) fn append(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn columns(&mut self) -> usize {
        self.cells().len()
    }

    pub(super) fn is_touched(&self) -> bool {
        self.touched
    }

    pub(super) fn touch(&mut self) {
        self.cells();
        self.touched = true;
    }

    /// Writes over a column; answers how many columns the character takes.
    pub(super) fn put(&mut self, column: usize, char: char, pen: Pen) -> usize {
        let width = if char == '\t' { TAB - column % TAB } else { 1 };
        let cells = self.cells();
        while cells.len() < column + width {
            cells.push(Cell::new(' ', Pen::default()));
        }
        // Half a tab is no tab any more.
        for cell in cells.iter_mut().skip(column + width).take_while(|cell| cell.filler) {
            *cell = Cell::new(' ', cell.pen);
        }
        if cells[column].filler {
            for cell in cells[..column].iter_mut().rev() {
                let filler = std::mem::replace(&mut cell.filler, false);
                cell.char = ' ';
                if !filler {
                    break;
                }
            }
        }
        for cell in &mut cells[column..column + width] {
            *cell = Cell { filler: true, ..Cell::new(' ', pen) };
        }
        cells[column] = Cell::new(char, pen);
        width
    }

    /// Puts a combining mark on a column.
    pub(super) fn mark(&mut self, column: usize, mark: char) {
        if let Some(cell) = self.cells().get_mut(column) {
            let marks = cell.marks.get_or_insert_default();
            if marks.len() < MARKS {
                marks.push(mark);
            }
        }
    }

    /// Erases from a column on (0), up to it (1), or all (2).
    pub(super) fn erase(&mut self, column: usize, how: u16) {
        let cells = self.cells();
        match how {
            0 => cells.truncate(column),
            1 => {
                let len = cells.len();
                cells[..len.min(column + 1)].fill(Cell::new(' ', Pen::default()));
            }
            _ => cells.clear(),
        }
    }

    /// Tells whether ending the row with this pen changes the text it has.
    pub(super) fn would_end_otherwise(&self, pen: Pen) -> bool {
        self.written != pen
    }

    pub(super) fn close(&mut self, end: End, after: Pen) {
        self.end = end;
        self.after = after;
    }

    /// Notes the pen that appended text ends with.
    pub(super) fn write_with(&mut self, pen: Pen) {
        self.written = pen;
    }

    /// Makes it the last row again.
    pub(super) fn reopen(&mut self, after: Pen) {
        self.end = End::Open;
        self.after = after;
    }

    /// Brings the text up to date with the cells.
    pub(super) fn render(&mut self) {
        if !std::mem::replace(&mut self.touched, false) {
            return;
        }
        let Some(cells) = &self.cells else { return };
        self.text.clear();
        let mut pen = self.start;
        for cell in cells.iter().filter(|cell| !cell.filler) {
            cell.pen.write_after(pen, &mut self.text);
            pen = cell.pen;
            self.text.push(cell.char);
            self.text.push_str(cell.marks.as_deref().unwrap_or_default());
        }
        self.after.write_after(pen, &mut self.text);
        self.written = self.after;
    }

    fn cells(&mut self) -> &mut Vec<Cell> {
        let (text, start) = (&self.text, self.start);
        self.cells.get_or_insert_with(|| parse(text, start))
    }
}

fn parse(text: &str, start: Pen) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::with_capacity(text.len());
    let (mut pen, mut rest) = (start, text);
    let mut sequences = super::Sequences::default();
    while let Some(char) = rest.chars().next() {
        rest = &rest[char.len_utf8()..];
        if char == '\x1b' {
            sequences.open();
            let (used, sequence) = sequences.feed(rest);
            rest = &rest[used..];
            if let Some(super::Sequence::Verbatim { pen: Some(codes), .. }) = sequence {
                pen.apply(&codes);
            }
        } else if is_mark(char)
            && let Some(cell) = cells.last_mut()
        {
            let marks = cell.marks.get_or_insert_default();
            if marks.len() < MARKS {
                marks.push(char);
            }
        } else {
            let width = if char == '\t' { TAB - cells.len() % TAB } else { 1 };
            cells.push(Cell::new(char, pen));
            cells.extend((1..width).map(|_| Cell { filler: true, ..Cell::new(' ', pen) }));
        }
    }
    cells
}

/// Tells whether a character is drawn onto the one before it.
pub(super) fn is_mark(char: char) -> bool {
    matches!(char,
        '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{fe20}'..='\u{fe2f}' | '\u{200d}')
}
