//! Escape sequences that arrive in pieces.

/// An order to the terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sequence {
    Up(usize),
    Down(usize),
    Right(usize),
    Left(usize),
    UpLine(usize),
    DownLine(usize),
    /// To a column, counted from one.
    Column(usize),
    EraseLine(u16),
    EraseBelow,
    /// Stays in the text: colours, with their codes, and links.
    Verbatim {
        text: String,
        pen: Option<Vec<u16>>,
    },
    /// Is left out.
    Nothing,
}

/// How long a sequence of parameters may be, in bytes; a longer one is none.
const LONGEST: usize = 128;
/// How long a sequence that carries a text may be.
const LONGEST_TEXT: usize = 4096;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Closed,
    Escape,
    /// `ESC (` and the like: one more character belongs to it.
    Charset,
    Parameters,
    Text,
}

/// Collects one sequence after the other.
#[derive(Debug, Default)]
pub(super) struct Sequences {
    state: State,
    /// What came so far, from the escape on.
    held: String,
}

impl Sequences {
    /// Tells whether a sequence has begun and not ended.
    pub(super) fn is_open(&self) -> bool {
        self.state != State::Closed
    }

    /// Begins a sequence; its escape has been read.
    pub(super) fn open(&mut self) {
        self.state = State::Escape;
        self.held.clear();
        self.held.push('\x1b');
    }

    /// Reads on. Answers how many bytes belonged to the sequence, and the sequence once it has ended.
    pub(super) fn feed(&mut self, text: &str) -> (usize, Option<Sequence>) {
        for (at, char) in text.char_indices() {
            // A line end, a cancel or the next escape ends what has no end of its own.
            if matches!(char, '\n' | '\r' | '\x18' | '\x1a') || (char == '\x1b' && self.state != State::Text)
            {
                self.state = State::Closed;
                let cancel = usize::from(matches!(char, '\x18' | '\x1a'));
                return (at + cancel, Some(Sequence::Nothing));
            }
            // Only `ESC \` ends a text; another sequence that begins inside breaks it off.
            if self.state == State::Text && self.held.ends_with('\x1b') && char != '\\' {
                self.open();
            }
            self.held.push(char);
            if let Some(sequence) = self.step(char) {
                self.state = State::Closed;
                return (at + char.len_utf8(), Some(sequence));
            }
        }
        (text.len(), None)
    }

    fn step(&mut self, char: char) -> Option<Sequence> {
        match self.state {
            State::Escape => match char {
                '[' => self.state = State::Parameters,
                ']' | 'P' | 'X' | '^' | '_' => self.state = State::Text,
                '(' | ')' | '*' | '+' | '#' | '%' | ' ' => self.state = State::Charset,
                'M' => return Some(Sequence::Up(1)),
                _ => return Some(Sequence::Nothing),
            },
            State::Charset => return Some(Sequence::Nothing),
            State::Parameters => match char {
                '\x40'..='\x7e' => return Some(self.ordered(char)),
                '\x20'..='\x3f' if self.held.len() < LONGEST => {}
                _ => return Some(Sequence::Nothing),
            },
            State::Text => {
                if char == '\x07' || self.held.ends_with("\x1b\\") {
                    return Some(self.told());
                }
                if self.held.len() > LONGEST_TEXT {
                    return Some(Sequence::Nothing);
                }
            }
            State::Closed => {}
        }
        None
    }

    /// What a sequence of parameters orders.
    fn ordered(&self, last: char) -> Sequence {
        let parameters = self.held.get(2..self.held.len() - 1).unwrap_or_default();
        if parameters.bytes().any(|byte| !matches!(byte, b'0'..=b'9' | b';' | b':')) {
            return Sequence::Nothing;
        }
        if last == 'm' {
            return Sequence::Verbatim { text: self.held.clone(), pen: Some(codes(parameters)) };
        }
        let first = codes(parameters).first().copied().unwrap_or_default();
        let n = usize::from(first.max(1));
        match last {
            'A' => Sequence::Up(n),
            'B' => Sequence::Down(n),
            'C' => Sequence::Right(n),
            'D' => Sequence::Left(n),
            'E' => Sequence::DownLine(n),
            'F' => Sequence::UpLine(n),
            'G' | '`' => Sequence::Column(n),
            'K' => Sequence::EraseLine(first),
            'J' if first == 0 => Sequence::EraseBelow,
            _ => Sequence::Nothing,
        }
    }

    /// What a sequence with a text means: links stay, titles and progress for the window's frame do not.
    fn told(&self) -> Sequence {
        if self.held.starts_with("\x1b]8;") {
            Sequence::Verbatim { text: self.held.clone(), pen: None }
        } else {
            Sequence::Nothing
        }
    }
}

/// Reads the codes of a sequence; of codes with sub-codes (`38:2::r:g:b`) the form with semicolons is made.
fn codes(parameters: &str) -> Vec<u16> {
    let number = |text: &str| text.parse::<u32>().map_or(0, |n| n.min(u32::from(u16::MAX)) as u16);
    let mut codes = Vec::new();
    for parameter in parameters.split(';') {
        let parts: Vec<&str> = parameter.split(':').collect();
        match parts.as_slice() {
            [base @ ("38" | "48" | "58"), "2", _space, r, g, b, ..] => {
                codes.extend([number(base), 2, number(r), number(g), number(b)]);
            }
            [base @ ("38" | "48" | "58"), rest @ ..] => {
                codes.push(number(base));
                codes.extend(rest.iter().map(|part| number(part)));
            }
            // `4:0` is no underline; the other styles of it are one.
            ["4", "0"] => codes.push(24),
            [first, ..] => codes.push(number(first)),
            [] => {}
        }
    }
    codes
}
