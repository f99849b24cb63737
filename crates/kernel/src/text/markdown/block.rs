//! Blocks: paragraphs, headings, quotes, lists, code, rules.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Tag, TagEnd};

use super::{
    code,
    inline::Inline,
    split::{self, Definitions},
    table,
};
use crate::text::{Attrs, Highlighter, Line, Span, Style, Token, cells, span::spaces, wrap_line};

/// Containers nested deeper than this are shown flat.
const DEEPEST: usize = 16;

/// A container keeps at least this many cells for its content; where there are fewer, its prefix is left away.
pub(super) const NARROWEST: usize = 8;

/// Lays out one top-level block and adds the link definitions it holds.
pub(super) fn lay_out(
    slice: &str,
    width: usize,
    painter: Option<&dyn Highlighter>,
    definitions: &mut Definitions,
) -> Vec<Line> {
    let (events, defined) = split::parse(slice, definitions, |events| {
        let defined: Vec<(String, String)> = events
            .reference_definitions()
            .iter()
            .map(|(label, definition)| (label.to_owned(), definition.dest.to_string()))
            .collect();
        (events.map(|(event, _)| event).collect::<Vec<_>>(), defined)
    });
    let mut layout = Layout { events: events.into_iter(), depth: 0, painter };
    let lines = layout.blocks(width, &Style::default(), true);
    for (label, url) in defined {
        definitions.add(&label, &url);
    }
    lines
}

pub(super) struct Layout<'a, 'p> {
    events: std::vec::IntoIter<Event<'a>>,
    depth: usize,
    painter: Option<&'p dyn Highlighter>,
}

impl<'a> Layout<'a, '_> {
    pub(super) fn next(&mut self) -> Option<Event<'a>> {
        self.events.next()
    }

    /// Lays out blocks up to the end of the container they are in; `apart` puts an empty line between them.
    fn blocks(&mut self, width: usize, base: &Style, apart: bool) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut inline = Inline::new(base.clone());
        let mut flat = 0;
        while let Some(event) = self.next() {
            if inline.event(&event) {
                continue;
            }
            if !inline.is_empty() {
                add(&mut lines, wrapped(&inline.take(), width), apart);
            }
            match event {
                Event::Start(Tag::BlockQuote(_) | Tag::List(_) | Tag::Item) if self.depth >= DEEPEST => {
                    flat += 1;
                }
                Event::End(TagEnd::BlockQuote(_) | TagEnd::List(_) | TagEnd::Item) if flat > 0 => flat -= 1,
                Event::Start(tag) => {
                    let block = self.block(&tag, width, base);
                    add(&mut lines, block, apart);
                }
                Event::Rule => {
                    let rule = Span::new("─".repeat(width.min(200)), Style::fg(Token::BorderMuted));
                    add(&mut lines, vec![vec![rule]], apart);
                }
                Event::End(_) => break,
                _ => {}
            }
        }
        if !inline.is_empty() {
            add(&mut lines, wrapped(&inline.take(), width), apart);
        }
        lines
    }

    fn block(&mut self, tag: &Tag<'a>, width: usize, base: &Style) -> Vec<Line> {
        self.depth += 1;
        let lines = match tag {
            Tag::Heading { level, .. } => self.heading(*level, width, base),
            Tag::BlockQuote(_) => self.quote(width, base),
            Tag::CodeBlock(kind) => self.code(kind, width),
            Tag::List(first) => self.list(*first, width, base),
            Tag::Table(alignments) => table::lay_out(self, alignments, width, base),
            Tag::HtmlBlock => self.html(width),
            _ => self.paragraph(width, base),
        };
        self.depth -= 1;
        lines
    }

    /// Collects inline content up to the end of the block around it.
    pub(super) fn inline(&mut self, base: &Style) -> Vec<Line> {
        let mut inline = Inline::new(base.clone());
        let mut open = 0;
        while let Some(event) = self.next() {
            if inline.event(&event) {
                continue;
            }
            match event {
                Event::Start(_) => open += 1,
                Event::End(_) if open == 0 => break,
                Event::End(_) => open -= 1,
                _ => {}
            }
        }
        inline.take()
    }

    fn paragraph(&mut self, width: usize, base: &Style) -> Vec<Line> {
        wrapped(&self.inline(base), width)
    }

    fn heading(&mut self, level: HeadingLevel, width: usize, base: &Style) -> Vec<Line> {
        let style = base.patch(&Style::fg(Token::Heading));
        let style = if level == HeadingLevel::H1 { style.with(Attrs::UNDERLINE) } else { style };
        wrapped(&self.inline(&style), width)
    }

    fn html(&mut self, width: usize) -> Vec<Line> {
        let mut text = String::new();
        while let Some(event) = self.next() {
            match event {
                Event::Html(html) | Event::Text(html) => text.push_str(&html),
                Event::End(_) => break,
                _ => {}
            }
        }
        code::rows(&text)
            .flat_map(|row| wrap_line(&[Span::new(row, Style::fg(Token::Dim))], width, &[]))
            .collect()
    }

    fn quote(&mut self, width: usize, base: &Style) -> Vec<Line> {
        let style = base.patch(&Style::fg(Token::Quote));
        let bar = Span::new("▎ ", Style::fg(Token::Border));
        let room = if width >= 2 + NARROWEST { width - 2 } else { width };
        let lines = self.blocks(room, &style, true);
        if room == width {
            return lines;
        }
        lines.into_iter().map(|line| prefixed(std::slice::from_ref(&bar), line)).collect()
    }

    fn list(&mut self, first: Option<u64>, width: usize, base: &Style) -> Vec<Line> {
        let mut items: Vec<(bool, Vec<Line>)> = Vec::new();
        let mut number = first;
        let loose = self.is_loose();
        while let Some(event) = self.next() {
            match event {
                Event::Start(Tag::Item) => {
                    let marker = number.map_or_else(|| "• ".to_owned(), |number| format!("{number}. "));
                    number = number.map(|number| number.saturating_add(1));
                    items.push((loose, self.item(marker, width, base, loose)));
                }
                Event::End(_) => break,
                _ => {}
            }
        }
        let mut lines = Vec::new();
        for (loose, item) in items {
            add(&mut lines, item, loose);
        }
        lines
    }

    /// A list is loose when an item holds a paragraph: the source then has empty lines between its parts.
    fn is_loose(&self) -> bool {
        let mut depth = 0;
        for event in self.events.as_slice() {
            match event {
                Event::Start(Tag::Paragraph) if depth == 1 => return true,
                Event::Start(_) => depth += 1,
                Event::End(_) if depth == 0 => return false,
                Event::End(_) => depth -= 1,
                _ => {}
            }
        }
        false
    }

    fn item(&mut self, marker: String, width: usize, base: &Style, apart: bool) -> Vec<Line> {
        let indent = cells::width(&marker);
        let room = if width >= indent + NARROWEST { width - indent } else { width };
        self.depth += 1;
        let mut lines = self.blocks(room, base, apart);
        self.depth -= 1;
        if lines.is_empty() {
            lines.push(Line::new());
        }
        if room == width && indent > 0 {
            return lines;
        }
        let marker = [Span::new(marker, base.patch(&Style::fg(Token::Dim)))];
        let gap = [Span::new(spaces(indent), Style::default())];
        let prefix = |row: usize| if row == 0 { &marker } else { &gap };
        lines.into_iter().enumerate().map(|(row, line)| prefixed(prefix(row), line)).collect()
    }

    fn code(&mut self, kind: &CodeBlockKind<'_>, width: usize) -> Vec<Line> {
        let mut text = String::new();
        while let Some(event) = self.next() {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                Event::End(_) => break,
                _ => {}
            }
        }
        let label = match kind {
            CodeBlockKind::Fenced(label) => label.split_whitespace().next().unwrap_or(""),
            CodeBlockKind::Indented => "",
        };
        code::lay_out(&text, label, width, self.painter)
    }
}

fn add(lines: &mut Vec<Line>, block: Vec<Line>, apart: bool) {
    if apart && !lines.is_empty() && !block.is_empty() {
        lines.push(Line::new());
    }
    lines.extend(block);
}

pub(super) fn wrapped(lines: &[Line], width: usize) -> Vec<Line> {
    lines.iter().flat_map(|line| wrap_line(line, width, &[])).collect()
}

fn prefixed(prefix: &[Span], line: Line) -> Line {
    if line.is_empty() {
        // A blank row of a list needs no invisible spaces; a quote keeps its bar.
        return if prefix.iter().all(|span| span.text.trim().is_empty()) { line } else { prefix.to_vec() };
    }
    prefix.iter().cloned().chain(line).collect()
}
