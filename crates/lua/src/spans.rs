//! Styles, spans and lines as authors write them, and back.
//!
//! A span is a string, a table with `text` and fields of a style, or a pair `{ text, group }`. A line is a string or a
//! list of spans; lines are a text, a list of lines, or a list of span lists. SGR sequences in a string become styles;
//! every other control character is shown and never acts.

use std::cell::Cell;

use mlua::{Lua, Table, Value};
use purlin_kernel::text::{Attrs, Color, GroupLayer, Line, Part, Span, Style, Token, sgr};
use purlin_kernel::{Ground, Kernel};

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

    /// A style of one colour: a token, highlight group, `#rrggbb`, palette index or `default`.
    fn color(&self, text: &str, ground: Ground) -> Result<Style, String> {
        self.kernel.hl().color(text, ground).ok_or_else(|| {
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
                self.kernel.hl().named(&name).map_or_else(|| self.color(&name, Ground::Fg), Ok)
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
            b"fg" => return self.ground(value, Ground::Fg, style),
            b"bg" => return self.ground(value, Ground::Bg, style),
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

    fn ground(&self, value: &Value, ground: Ground, style: &mut Style) -> Result<bool, String> {
        let name = if ground == Ground::Fg { "fg" } else { "bg" };
        let colored = match value {
            Value::String(text) => {
                let text = text.to_str().map_err(|_| format!("field '{name}': valid UTF-8 expected"))?;
                self.color(&text, ground).map_err(|why| format!("field '{name}': {why}"))?
            }
            Value::Integer(index) if (0..256).contains(index) => match ground {
                Ground::Fg => Style::fg(Color::Indexed(*index as u8)),
                Ground::Bg => Style::new().on(Color::Indexed(*index as u8)),
            },
            other => return Err(format!("field '{name}': string expected, got {}", other.type_name())),
        };
        // The other fields of this style have no colour of the same ground: which lies above makes no difference.
        *style = colored.patch(style);
        Ok(true)
    }

    /// Reads a table of named fields; with `is_span` also `text` and the pair form.
    fn fields(&self, table: &Table, span: &mut Span, is_span: bool) -> Result<(), String> {
        let mut failed = None;
        let mut named = Named::default();
        let walked = table.for_each::<Value, Value>(|key, value| {
            if failed.is_none() {
                failed = self.entry(&key, &value, span, &mut named, is_span).err();
            }
            Ok(())
        });
        if let Some(why) = failed.or_else(|| walked.err().map(|error| error.to_string())) {
            return Err(why);
        }
        // The span's own fields lie on the group it names, and that on the style it names.
        for below in [named.group, named.style].into_iter().flatten() {
            span.style = below.patch(&span.style);
        }
        Ok(())
    }

    /// One entry of a span or a style.
    fn entry(
        &self,
        key: &Value,
        value: &Value,
        span: &mut Span,
        named: &mut Named,
        is_span: bool,
    ) -> Result<(), String> {
        match (key, value) {
            (Value::String(name), _) => {
                let name = name.as_bytes();
                if self.field(&name, value, &mut span.style)? {
                    return Ok(());
                }
                match (&*name, is_span) {
                    (b"text", true) => span.text = self.text_of(value)?.into(),
                    (b"style", _) => named.style = Some(self.style(value)?),
                    (b"hl", _) => named.group = Some(self.style(value)?),
                    _ => return Err(unknown_field(&String::from_utf8_lossy(&name))),
                }
            }
            (Value::Integer(1), _) if is_span => span.text = self.text_of(value)?.into(),
            (Value::Integer(2), _) if is_span => named.style = Some(self.style(value)?),
            _ => return Err("a table with named fields expected".to_owned()),
        }
        Ok(())
    }

    /// One span as a table; SGR sequences in its text make several of it.
    fn span(&self, table: &Table, line: &mut Line) -> Result<(), String> {
        let mut span = Span::default();
        self.fields(table, &mut span, true)?;
        if span.text.contains(is_acting) {
            let pieces = within_line(&span.text);
            line.extend(
                pieces.into_iter().map(|piece| Span { style: span.style.patch(&piece.style), ..piece }),
            );
        } else {
            line.push(span);
        }
        Ok(())
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
                let length = table.raw_len();
                let mut line = Line::with_capacity(length.max(1));
                if is_span(table) {
                    self.span(table, &mut line)?;
                    return Ok(line);
                }
                for index in 1..=length {
                    self.within_time(index)?;
                    let item: Value = table.raw_get(index).map_err(|error| error.to_string())?;
                    match &item {
                        Value::Table(span) => {
                            self.span(span, &mut line).map_err(|why| format!("span {index}: {why}"))?;
                        }
                        other => line.extend(within_line(&self.text_of(other)?)),
                    }
                }
                Ok(line)
            }
            other => Ok(within_line(&self.text_of(other)?)),
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

/// The styles that a span names as a whole.
#[derive(Default)]
struct Named {
    style: Option<Style>,
    group: Option<Style>,
}

/// A style of one colour as authors write it; the error names the nearest token.
pub(crate) fn color(kernel: &Kernel, text: &str, ground: Ground) -> Result<Style, String> {
    Reader::new(kernel).color(text, ground)
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

/// What is not shown as it stands: a tab alone of the control characters is room and no sign.
fn is_acting(character: char) -> bool {
    character.is_control() && character != '\t'
}

/// A text within a line: SGR sequences become styles, a line break is shown as `^J`, like any other control character.
fn within_line(text: &str) -> Line {
    if !text.contains(is_acting) {
        return purlin_kernel::text::plain(text.to_owned());
    }
    sgr::parse(&text.replace('\n', "^J")).into_iter().flatten().collect()
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

/// A style as authors read it; groups by their names, so that what is written again looks the same for ever.
pub(crate) fn style_to_lua(lua: &Lua, style: &Style) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    if let Some(layer) = &style.layer {
        groups_to_lua(lua, &table, layer)?;
    }
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

/// The groups that a style lies on: `hl`, and `fg` and `bg` where a group lends one colour; what lies below them as `style`.
fn groups_to_lua(lua: &Lua, table: &Table, layer: &GroupLayer) -> mlua::Result<()> {
    let field = match layer.part {
        Part::Whole => "hl",
        Part::Fg => "fg",
        Part::Bg => "bg",
    };
    table.raw_set(field, layer.group.as_ref())?;
    if layer.under != Style::default() {
        table.raw_set("style", style_to_lua(lua, &layer.under)?)?;
    }
    Ok(())
}
