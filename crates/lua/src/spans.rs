//! Styles, spans and lines as authors write them, and back.
//!
//! A span is a string, a table with `text` and fields of a style, or a pair `{ text, group }`. A line is a string or a
//! list of spans; lines are a text, a list of lines, or a list of span lists. SGR sequences in a string become styles;
//! every other control character is shown and never acts.

use std::cell::Cell;

use mlua::{Lua, Table, Value};
use purlin_kernel::Kernel;
use purlin_kernel::text::{Attrs, Color, Line, Span, Style, Token, sgr};

use crate::env::spend;
use crate::fault;

/// After so many items of a list the deadline is looked at.
const LOOK_EVERY: usize = 1024;

/// More text than any screen shows, in bytes; laying it out would hold the screen up.
const LONGEST: usize = 1024 * 1024;
/// The same for all texts that are given at once.
const LONGEST_IN_ALL: usize = 16 * LONGEST;
/// A longer address is followed by no terminal.
const LONGEST_URL: usize = 4096;

/// What a style is made of.
pub(crate) const STYLE_FIELDS: [&str; 9] =
    ["fg", "bg", "bold", "italic", "underline", "reverse", "strike", "dim", "url"];

/// Reads what authors write; the error says what is wrong, without a place.
pub(crate) struct Reader<'a> {
    kernel: &'a Kernel,
    /// Bytes of text that were read.
    bytes: Cell<usize>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(kernel: &'a Kernel) -> Self {
        Self { kernel, bytes: Cell::new(0) }
    }

    /// A colour by token, highlight group, `#rrggbb`, palette index or `default`.
    fn color(&self, text: &str, ground: Ground) -> Result<Color, String> {
        color_of(self.kernel, text, ground).ok_or_else(|| {
            let names = Token::ALL.iter().map(|token| token.name());
            match purlin_kernel::nearest(text, names) {
                Some(near) => format!("unknown colour '{text}', did you mean '{near}'?"),
                None => format!("a theme token, a highlight group or '#rrggbb' expected, got '{text}'"),
            }
        })
    }

    /// A style given as nothing, the name of a group, or a table with its fields.
    pub(crate) fn style(&self, value: &Value) -> Result<Style, String> {
        match value {
            Value::Nil => Ok(Style::default()),
            Value::String(name) => {
                let name = name.to_string_lossy();
                group(self.kernel, &name).map_or_else(|| self.color(&name, Ground::Fg).map(Style::fg), Ok)
            }
            Value::Table(table) => {
                let mut span = Span::default();
                self.fields(table, &mut span, false)?;
                Ok(span.style)
            }
            other => Err(format!("a style expected, got {}", other.type_name())),
        }
    }

    /// The style whose fields stand among others.
    pub(crate) fn style_within(&self, table: &Table) -> Result<Style, String> {
        let mut style = Style::default();
        for name in STYLE_FIELDS {
            let value: Value = table.raw_get(name).map_err(|error| error.to_string())?;
            if !value.is_nil() {
                self.field(name.as_bytes(), &value, &mut style)?;
            }
        }
        Ok(style)
    }

    /// One field of a style or span; false if it is none.
    fn field(&self, name: &[u8], value: &Value, style: &mut Style) -> Result<bool, String> {
        let attr = match name {
            b"fg" => return self.ground(value, Ground::Fg, &mut style.fg),
            b"bg" => return self.ground(value, Ground::Bg, &mut style.bg),
            b"url" => match value {
                Value::String(url) if url.as_bytes().len() > LONGEST_URL => {
                    return Err(format!("field 'url': at most {LONGEST_URL} bytes expected"));
                }
                Value::String(url) => {
                    style.url = Some(url.to_string_lossy().into());
                    return Ok(true);
                }
                other => return Err(format!("field 'url': string expected, got {}", other.type_name())),
            },
            b"bold" => Attrs::BOLD,
            b"dim" => Attrs::DIM,
            b"italic" => Attrs::ITALIC,
            b"underline" => Attrs::UNDERLINE,
            b"reverse" => Attrs::REVERSE,
            b"strike" => Attrs::STRIKE,
            _ => return Ok(false),
        };
        match value {
            Value::Boolean(true) => style.attrs = style.attrs | attr,
            Value::Boolean(false) => {}
            other => {
                let name = String::from_utf8_lossy(name);
                return Err(format!("field '{name}': boolean expected, got {}", other.type_name()));
            }
        }
        Ok(true)
    }

    fn ground(&self, value: &Value, ground: Ground, into: &mut Color) -> Result<bool, String> {
        let name = if ground == Ground::Fg { "fg" } else { "bg" };
        match value {
            Value::String(text) => {
                let text = text.to_str().map_err(|_| format!("field '{name}': valid UTF-8 expected"))?;
                *into = self.color(&text, ground).map_err(|why| format!("field '{name}': {why}"))?;
                Ok(true)
            }
            Value::Integer(index) if (0..256).contains(index) => {
                *into = Color::Indexed(*index as u8);
                Ok(true)
            }
            other => Err(format!("field '{name}': string expected, got {}", other.type_name())),
        }
    }

    /// Reads a table of named fields; with `is_span` also `text`, `style` and the pair form.
    fn fields(&self, table: &Table, span: &mut Span, is_span: bool) -> Result<(), String> {
        let mut failed = None;
        let mut base = None;
        let walked = table.for_each::<Value, Value>(|key, value| {
            if failed.is_some() {
                return Ok(());
            }
            match self.entry(&key, &value, span, is_span) {
                Ok(None) => {}
                Ok(Some(style)) => base = Some(style),
                Err(why) => failed = Some(why),
            }
            Ok(())
        });
        if let Some(why) = failed.or_else(|| walked.err().map(|error| error.to_string())) {
            return Err(why);
        }
        if let Some(base) = base {
            // Fields of the span win over those of the style it names.
            span.style = base.patch(&span.style);
        }
        Ok(())
    }

    /// One entry of a span; answers the style it names as a whole.
    fn entry(
        &self,
        key: &Value,
        value: &Value,
        span: &mut Span,
        is_span: bool,
    ) -> Result<Option<Style>, String> {
        match (key, value) {
            (Value::String(name), _) => {
                let name = name.as_bytes();
                if self.field(&name, value, &mut span.style)? {
                    return Ok(None);
                }
                match (&*name, is_span) {
                    (b"text", true) => {
                        span.text = self.text_of(value)?.into();
                        Ok(None)
                    }
                    (b"style" | b"hl", true) => self.style(value).map(Some),
                    _ => Err(unknown_field(&String::from_utf8_lossy(&name))),
                }
            }
            (Value::Integer(1), _) if is_span => {
                span.text = self.text_of(value)?.into();
                Ok(None)
            }
            (Value::Integer(2), _) if is_span => self.style(value).map(Some),
            _ => Err("a table with named fields expected".to_owned()),
        }
    }

    /// One span as a table.
    fn span(&self, table: &Table) -> Result<Span, String> {
        let mut span = Span::default();
        self.fields(table, &mut span, true)?;
        if span.text.contains(['\n', '\r']) {
            span.text = span.text.replace(['\n', '\r'], " ").into();
        }
        Ok(span)
    }

    /// A text, or a number as text.
    fn text_of(&self, value: &Value) -> Result<String, String> {
        let text = text_of(value)?;
        self.bytes.set(self.bytes.get() + text.len());
        if self.bytes.get() > LONGEST_IN_ALL {
            return Err(format!("at most {} MiB of text in all expected", LONGEST_IN_ALL / 1024 / 1024));
        }
        Ok(text)
    }

    /// Refuses to go on with a list when the handler's time is over; asked for each item, it looks now and then.
    fn within_time(&self, index: usize) -> Result<(), String> {
        if index.is_multiple_of(LOOK_EVERY) && self.kernel.guard().expired() {
            return Err(format!("more items than there is time for, {index} were read"));
        }
        Ok(())
    }

    /// A line: a string or a list of spans.
    pub(crate) fn line(&self, value: &Value) -> Result<Line, String> {
        match value {
            Value::Nil => Ok(Line::new()),
            Value::Table(table) => {
                if is_span(table) {
                    return self.span(table).map(|span| vec![span]);
                }
                let length = table.raw_len();
                let mut line = Line::with_capacity(length);
                for index in 1..=length {
                    self.within_time(index)?;
                    let item: Value = table.raw_get(index).map_err(|error| error.to_string())?;
                    match &item {
                        Value::Table(span) => {
                            line.push(self.span(span).map_err(|why| format!("span {index}: {why}"))?);
                        }
                        other => append(&mut line, &self.text_of(other)?),
                    }
                }
                Ok(line)
            }
            other => {
                let mut line = Line::new();
                append(&mut line, &self.text_of(other)?);
                Ok(line)
            }
        }
    }

    /// Lines: a text, or a list whose items are lines.
    pub(crate) fn lines(&self, value: &Value) -> Result<Vec<Line>, String> {
        match value {
            Value::Nil => Ok(Vec::new()),
            Value::Table(table) => {
                let length = table.raw_len();
                let mut lines = Vec::with_capacity(length);
                for index in 1..=length {
                    self.within_time(index)?;
                    let item: Value = table.raw_get(index).map_err(|error| error.to_string())?;
                    match &item {
                        Value::Table(_) => {
                            lines.push(self.line(&item).map_err(|why| format!("line {index}: {why}"))?);
                        }
                        other => lines.extend(parse(&self.text_of(other)?)),
                    }
                }
                Ok(lines)
            }
            other => Ok(parse(&self.text_of(other)?)),
        }
    }
}

/// A colour as authors write it; the error names the nearest token.
pub(crate) fn color(kernel: &Kernel, text: &str) -> Result<Color, String> {
    Reader::new(kernel).color(text, Ground::Fg)
}

/// Which colour of a style a name is meant for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ground {
    Fg,
    Bg,
}

fn color_of(kernel: &Kernel, text: &str, ground: Ground) -> Option<Color> {
    if let Some(color) = Color::parse(text) {
        return Some(color);
    }
    let ground = match ground {
        Ground::Fg => purlin_kernel::Ground::Fg,
        Ground::Bg => purlin_kernel::Ground::Bg,
    };
    kernel.hl().color(text, ground)
}

/// The style of a highlight group; nothing if there is none of that name.
fn group(kernel: &Kernel, name: &str) -> Option<Style> {
    kernel.hl().get(name).map(|_| kernel.hl().style(name))
}

/// A pair or a table with `text` is a span, any other list is a line of them.
fn is_span(table: &Table) -> bool {
    table.raw_len() == 0 && table.contains_key("text").unwrap_or(false)
}

fn unknown_field(name: &str) -> String {
    match purlin_kernel::nearest(name, STYLE_FIELDS.iter().copied()) {
        Some(near) => format!("unknown field '{name}', did you mean '{near}'?"),
        None => format!("unknown field '{name}'"),
    }
}

fn text_of(value: &Value) -> Result<String, String> {
    match value {
        Value::String(text) if text.as_bytes().len() > LONGEST => {
            Err(format!("at most {} KiB of text expected", LONGEST / 1024))
        }
        Value::String(text) => Ok(text.to_string_lossy()),
        Value::Integer(number) => Ok(number.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("a text expected, got {}", other.type_name())),
    }
}

/// Plain text is taken as it is; parsing is for sequences only.
fn parse(text: &str) -> Vec<Line> {
    if text.contains('\u{1b}') {
        return sgr::parse(text);
    }
    text.split('\n').map(|line| purlin_kernel::text::plain(line.to_owned())).collect()
}

fn append(line: &mut Line, text: &str) {
    for (index, parsed) in parse(text).into_iter().enumerate() {
        if index > 0 {
            line.push(Span::from(" "));
        }
        line.extend(parsed);
    }
}

/// Lines as authors read them: a list of lists of spans.
pub(crate) fn to_lua(lua: &Lua, lines: &[Line]) -> mlua::Result<Table> {
    let list = lua.create_table_with_capacity(lines.len(), 0)?;
    for line in lines {
        spend(lua, line.len() * 256).map_err(|why| fault::raise(lua, &why))?;
        list.raw_push(line_to_lua(lua, line)?)?;
    }
    Ok(list)
}

/// A line as authors read it: a list of spans.
pub(crate) fn line_to_lua(lua: &Lua, line: &[Span]) -> mlua::Result<Table> {
    let spans = lua.create_table_with_capacity(line.len(), 0)?;
    for span in line {
        let table = style_to_lua(lua, &span.style)?;
        table.raw_set("text", span.text.as_ref())?;
        spans.raw_push(table)?;
    }
    Ok(spans)
}

/// A style as authors read it.
pub(crate) fn style_to_lua(lua: &Lua, style: &Style) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    for (name, color) in [("fg", style.fg), ("bg", style.bg)] {
        match color {
            Color::Default => {}
            Color::Token(token) => table.raw_set(name, token.name())?,
            Color::Indexed(index) => table.raw_set(name, index.to_string())?,
            Color::Rgb(r, g, b) => table.raw_set(name, format!("#{r:02x}{g:02x}{b:02x}"))?,
        }
    }
    for (name, attr) in Attrs::NAMES {
        if style.attrs.contains(attr) {
            table.raw_set(name, true)?;
        }
    }
    if let Some(url) = &style.url {
        table.raw_set("url", url.as_ref())?;
    }
    Ok(table)
}
