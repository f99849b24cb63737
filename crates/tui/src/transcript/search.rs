//! Searching the transcript: the source text by blocks, a slice at a time; only what is shown is laid out.
//!
//! A pattern without a capital letter matches either case. What is counted are places in the blocks' texts; a place in
//! something folded is unfolded when it is gone to.

use std::{cell::RefCell, collections::BTreeMap, ops::Range, rc::Rc};

use purlin_kernel::{
    Block,
    text::{Attrs, Line, Style, Token, line_plain, width},
};
use serde_json::Value;

use super::{Spot, reading::Reading};

/// Blocks that are looked at between two looks at the clock.
const BATCH: usize = 32;

/// So many laid-out blocks remember where the pattern was found in them.
const KEPT: usize = 256;

/// What is searched for, and where it was found.
#[derive(Debug, Default)]
pub struct Search {
    pattern: String,
    /// Blocks in which it was found, and how often.
    found: BTreeMap<usize, usize>,
    total: usize,
    /// The place that was gone to: a block, and which of the places in it.
    current: Option<(usize, usize)>,
    /// Blocks before this one have yet to be looked at.
    left: usize,
    /// Blocks that there were, and their revision, when they were looked at last.
    seen: (usize, u64),
    laid: RefCell<BTreeMap<usize, Laid>>,
}

/// Where the pattern is in the lines of a block.
#[derive(Debug)]
struct Laid {
    lines: Rc<Vec<Line>>,
    hits: Vec<(usize, Range<usize>)>,
}

impl Search {
    /// Searches for a pattern, from the newest block on.
    pub(crate) fn begin(pattern: &str, reading: &Reading<'_>) -> Search {
        let seen = (reading.count, reading.revision());
        Search { pattern: pattern.to_owned(), left: reading.count, seen, ..Search::default() }
    }

    /// Answers the pattern.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// Answers how often it was found so far.
    pub fn total(&self) -> usize {
        self.total
    }

    /// Tells whether there are blocks that have yet to be looked at.
    pub fn is_scanning(&self) -> bool {
        self.left > 0 && !self.pattern.is_empty()
    }

    /// Answers which place, counted from the newest, was gone to.
    pub fn position(&self) -> Option<usize> {
        let (block, nth) = self.current?;
        let newer: usize = self.found.range(block + 1..).map(|(_, count)| count).sum();
        let here = self.found.get(&block).copied().unwrap_or(0);
        Some(newer + here.saturating_sub(nth))
    }

    /// Looks at further blocks until `enough` says so; answers whether there are more.
    pub(crate) fn scan(&mut self, reading: &Reading<'_>, mut enough: impl FnMut() -> bool) -> bool {
        while self.is_scanning() {
            let from = self.left.saturating_sub(BATCH);
            for block in from..self.left {
                self.look(reading, block);
            }
            self.left = from;
            if enough() {
                break;
            }
        }
        self.is_scanning()
    }

    fn look(&mut self, reading: &Reading<'_>, index: usize) {
        let before = self.found.remove(&index).unwrap_or(0);
        let block = reading.block(index).filter(|block| !block.hidden);
        let count = block.map_or(0, |block| occurrences(&block, &self.pattern));
        self.total = self.total - before + count;
        if count > 0 {
            self.found.insert(index, count);
        }
    }

    /// Looks at what has arrived since; the newest block may have grown.
    pub(crate) fn follow(&mut self, reading: &Reading<'_>) {
        let now = (reading.count, reading.revision());
        if self.pattern.is_empty() || now == self.seen {
            return;
        }
        if reading.count < self.seen.0 {
            *self = Search::begin(&self.pattern, reading);
            return;
        }
        for block in self.seen.0.saturating_sub(1).max(self.left)..reading.count {
            self.look(reading, block);
        }
        self.seen = now;
    }

    /// Goes to the next older place, or newer one, from the one gone to; the first time, to the newest that does not
    /// lie below `from`. At the last it begins again at the other end.
    pub(crate) fn step(&mut self, older: bool, from: usize) -> Option<(usize, usize)> {
        let last = |(block, count): (&usize, &usize)| (*block, count - 1);
        let first = |(block, _): (&usize, &usize)| (*block, 0);
        let next = match self.current {
            None => self.found.range(..=from).next_back().or_else(|| self.found.first_key_value()).map(last),
            Some((block, nth)) if older && nth > 0 => Some((block, nth - 1)),
            Some((block, _)) if older => {
                self.found.range(..block).next_back().or_else(|| self.found.last_key_value()).map(last)
            }
            Some((block, nth)) if self.found.get(&block).is_some_and(|count| nth + 1 < *count) => {
                Some((block, nth + 1))
            }
            Some((block, _)) => {
                self.found.range(block + 1..).next().or_else(|| self.found.first_key_value()).map(first)
            }
        };
        self.current = next;
        next
    }

    /// Tells whether a place was gone to.
    pub(crate) fn has_current(&self) -> bool {
        self.current.is_some()
    }

    /// Answers where the place that was gone to is shown; nothing where its block does not show it.
    pub(crate) fn spot(&self, reading: &Reading<'_>) -> Option<Spot> {
        let (block, nth) = self.current?;
        self.with_hits(reading, block, |hits| {
            let (line, cols) = hits.get(nth).or_else(|| hits.last())?;
            Some(Spot { block, line: *line, col: cols.start })
        })
    }

    /// Answers the cells of a line in which the pattern is shown, and how they are marked.
    pub(crate) fn hits_in(
        &self,
        reading: &Reading<'_>,
        block: usize,
        line: usize,
    ) -> Vec<(Range<usize>, Style)> {
        if self.pattern.is_empty() {
            return Vec::new();
        }
        let current = self.current.filter(|(at, _)| *at == block).map(|(_, nth)| nth);
        let found = Style::new().on(Token::Search);
        self.with_hits(reading, block, |hits| {
            let gone_to = current.map(|nth| nth.min(hits.len().saturating_sub(1)));
            let own = hits.iter().enumerate().filter(|(_, (at, _))| *at == line);
            own.map(|(nth, (_, cols))| {
                let style = if gone_to == Some(nth) {
                    // Both colours, so that it looks the same on code of every colour.
                    found.clone().with_fg(Token::Accent).with(Attrs::BOLD | Attrs::REVERSE)
                } else {
                    found.clone()
                };
                (cols.clone(), style)
            })
            .collect()
        })
    }

    fn with_hits<T>(
        &self,
        reading: &Reading<'_>,
        block: usize,
        f: impl FnOnce(&[(usize, Range<usize>)]) -> T,
    ) -> T {
        let lines = reading.lines(block);
        let mut laid = self.laid.borrow_mut();
        if laid.len() > KEPT {
            laid.clear();
        }
        if laid.get(&block).is_none_or(|laid| !Rc::ptr_eq(&laid.lines, &lines)) {
            let hits = hits(&lines, &self.pattern);
            laid.insert(block, Laid { lines, hits });
        }
        f(laid.get(&block).map_or(&[], |laid| &laid.hits))
    }
}

fn is_loose(pattern: &str) -> bool {
    !pattern.chars().any(char::is_uppercase)
}

/// Counts the places of a pattern in what a block says.
fn occurrences(block: &Block, pattern: &str) -> usize {
    if pattern.is_empty() {
        return 0;
    }
    let prose = matches!(block.kind.as_str(), "text" | "thinking" | "prompt");
    let count = |text: &str| {
        let text = shown(text, prose, pattern);
        if is_loose(pattern) {
            text.to_lowercase().matches(&pattern.to_lowercase()).count()
        } else {
            text.matches(pattern).count()
        }
    };
    let own = count(&block.text);
    let said = ["name", "command", "hint"].iter().filter_map(|name| block.meta.get(*name));
    let args = block.meta.get("args");
    own + said.chain(args).map(|value| in_value(value, &count)).sum::<usize>()
}

fn in_value(value: &Value, count: &dyn Fn(&str) -> usize) -> usize {
    match value {
        Value::String(text) => count(text),
        Value::Array(list) => list.iter().map(|value| in_value(value, count)).sum(),
        Value::Object(fields) => fields.values().map(|value| in_value(value, count)).sum(),
        _ => 0,
    }
}

/// The text about as it is shown: of prose without line breaks and emphasis, so that words that stand beside each other
/// on the screen are found.
fn shown<'t>(text: &'t str, prose: bool, pattern: &str) -> std::borrow::Cow<'t, str> {
    let strip = prose && !pattern.contains(['*', '`']) && text.contains(['*', '`', '\n']);
    if !strip {
        return text.into();
    }
    let plain = text.chars().filter(|c| !matches!(c, '*' | '`'));
    plain.map(|c| if c == '\n' { ' ' } else { c }).collect::<String>().into()
}

/// Answers lines and cells in which a pattern is shown; one that goes on in the next row counts where it begins.
fn hits(lines: &[Line], pattern: &str) -> Vec<(usize, Range<usize>)> {
    if pattern.is_empty() {
        return Vec::new();
    }
    let fold = |c: char| if is_loose(pattern) { c.to_lowercase().next().unwrap_or(c) } else { c };
    let wanted: Vec<char> = pattern.chars().map(fold).collect();
    let rows: Vec<String> = lines.iter().map(|line| line_plain(line)).collect();
    let mut found = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let own: Vec<(usize, char)> = row.char_indices().map(|(byte, c)| (byte, fold(c))).collect();
        let next = rows.get(at + 1).map_or("", |next| next.trim_start());
        let end = row.trim_end().len();
        let mut from = 0;
        while from < own.len() {
            if let Some(length) = begins(&own[from..], &wanted) {
                let last = own.get(from + length).map_or(row.len(), |(byte, _)| *byte);
                let start = width(&row[..own[from].0]);
                found.push((at, start..start + width(&row[own[from].0..last]).max(1)));
                from += length;
                continue;
            }
            if own[from].0 < end && goes_on(&row[own[from].0..end], next, &wanted, &fold) {
                let start = width(&row[..own[from].0]);
                found.push((at, start..width(&row[..end])));
                break;
            }
            from += 1;
        }
    }
    found
}

fn begins(own: &[(usize, char)], wanted: &[char]) -> Option<usize> {
    (own.len() >= wanted.len() && own.iter().zip(wanted).all(|((_, c), wanted)| c == wanted))
        .then_some(wanted.len())
}

/// Tells whether the end of a row and the beginning of the next are the pattern.
fn goes_on(tail: &str, next: &str, wanted: &[char], fold: &impl Fn(char) -> char) -> bool {
    let tail_chars = tail.chars().count();
    if tail_chars >= wanted.len() || !wanted.contains(&' ') {
        return false;
    }
    let joined = tail.chars().chain([' ']).chain(next.chars()).map(fold);
    joined.take(wanted.len()).eq(wanted.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[&str], pattern: &str) -> Vec<(usize, Range<usize>)> {
        let lines: Vec<Line> = rows.iter().map(|row| vec![(*row).to_owned().into()]).collect();
        hits(&lines, pattern)
    }

    #[test]
    fn hits_stand_where_they_are_seen() {
        assert_eq!(found(&["a Foo foo", "日本 foo"], "foo"), [(0, 2..5), (0, 6..9), (1, 5..8)]);
        assert_eq!(found(&["a Foo foo"], "Foo"), [(0, 2..5)]);
        assert_eq!(found(&["some bold", "text here"], "bold text"), [(0, 5..9)]);
        assert_eq!(found(&["aaa"], "aa"), [(0, 0..2)]);
        assert_eq!(found(&["abc"], ""), []);
    }

    #[test]
    fn emphasis_and_breaks_are_no_obstacle() {
        let block = Block { kind: "text".into(), text: "some **bold**\ntext `x`".into(), ..Block::default() };
        for (pattern, count) in [("bold text", 1), ("BOLD", 0), ("x", 2), ("**bold**", 1), ("", 0)] {
            assert_eq!(occurrences(&block, pattern), count, "{pattern}");
        }
    }
}
