//! Where the top-level blocks of a text begin, and which links it defines.

use std::{collections::BTreeMap, ops::Range, rc::Rc};

use pulldown_cmark::{BrokenLink, CodeBlockKind, CowStr, Event, OffsetIter, Options, Parser, Tag};

/// The link definitions read so far: normalised label to address.
#[derive(Debug, Clone, Default)]
pub(super) struct Definitions(Rc<BTreeMap<String, String>>);

impl Definitions {
    fn get(&self, label: &str) -> Option<&str> {
        if self.0.is_empty() { None } else { self.0.get(&normal(label)).map(String::as_str) }
    }

    pub(super) fn add(&mut self, label: &str, url: &str) {
        // The first definition of a label wins.
        if self.get(label).is_none() {
            Rc::make_mut(&mut self.0).insert(normal(label), url.to_owned());
        }
    }
}

fn normal(label: &str) -> String {
    label.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

pub(super) fn options() -> Options {
    Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS
}

/// Parses one slice, with the links that were defined before it.
pub(super) fn parse<'a, T>(
    slice: &'a str,
    definitions: &'a Definitions,
    then: impl FnOnce(OffsetIter<'a, &mut dyn FnMut(BrokenLink<'a>) -> Option<(CowStr<'a>, CowStr<'a>)>>) -> T,
) -> T {
    let mut resolve = |link: BrokenLink<'a>| {
        definitions.get(&link.reference).map(|url| (CowStr::from(url.to_owned()), CowStr::from("")))
    };
    let resolve: &mut dyn FnMut(BrokenLink<'a>) -> Option<(CowStr<'a>, CowStr<'a>)> = &mut resolve;
    then(Parser::new_with_broken_link_callback(slice, options(), Some(resolve)).into_offset_iter())
}

/// What a piece of text consists of.
pub(super) struct Blocks {
    /// The bytes of each top-level block: from the beginning of its first line to that of the next block's.
    pub(super) ranges: Vec<Range<usize>>,
}

/// Tells whether the line of a position is indented as far as code is.
fn is_indented(text: &str, at: usize) -> bool {
    let line = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let blanks = text[line..].chars().take_while(|c| matches!(c, ' ' | '\t'));
    blanks.fold(0, |column, blank| if blank == '\t' { column + 4 - column % 4 } else { column + 1 }) >= 4
}

/// Finds the top-level blocks of `text`.
pub(super) fn blocks(text: &str, definitions: &Definitions) -> Blocks {
    let mut starts = Vec::new();
    let mut depth = 0usize;
    parse(text, definitions, |events| {
        for (event, range) in events {
            match event {
                Event::Start(tag) => {
                    // Behind a link definition an indented line goes on a paragraph; alone it would be code. Such a
                    // block stays with what is before it, so that it is laid out as it was found.
                    let code = matches!(tag, Tag::CodeBlock(CodeBlockKind::Indented));
                    if depth == 0 && (code || starts.is_empty() || !is_indented(text, range.start)) {
                        starts.push(range.start);
                    }
                    depth += 1;
                }
                Event::End(_) => depth -= 1,
                _ if depth == 0 => starts.push(range.start),
                _ => {}
            }
        }
    });
    let line_start = |at: usize| text[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let mut ranges: Vec<Range<usize>> = Vec::with_capacity(starts.len());
    for start in starts {
        let start = if ranges.is_empty() { 0 } else { line_start(start) };
        if let Some(last) = ranges.last_mut() {
            if start <= last.start {
                continue;
            }
            last.end = start;
        }
        ranges.push(start..text.len());
    }
    Blocks { ranges }
}
