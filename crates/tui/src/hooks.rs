//! The hooks that the screen raises: a prompt is submitted, a block of the transcript is laid out.

use purlin_kernel::{
    AnswerField, Block, DeadlineClass, Field, Ground, Hook, HookDecl, Kernel, Object, Payload, Ty,
    text::{Color, Line, Span, Style},
};
use serde::Deserialize;
use serde_json::{Value, json};

static PROMPT_SUBMIT: HookDecl = HookDecl::sync("prompt_submit", DeadlineClass::Main)
    .payload(&[
        Field::new("text", Ty::Str, "The composer's text."),
        Field::new("key", Ty::Str, "The key that submitted it, if one did."),
        Field::one_of("delivery", &["prompt", "steer", "follow_up"], "How it is sent"),
        Field::new("attachments", Ty::List, "What goes with it."),
    ])
    .answer(&[AnswerField::mark("consume"), AnswerField::mark("consumed"), AnswerField::mark("handled")])
    .doc("Fires when the composer is submitted, before anything is queued or sent; consuming it suppresses sending.");

static TRANSCRIPT_RENDER: HookDecl = HookDecl::sync("transcript_render", DeadlineClass::Render)
    .payload(&[
        Field::new("block", Ty::Map, "`id`, `kind`, `role`, `text`, `streaming` and `meta` of the block."),
        Field::new("width", Ty::Int, "Columns to fill."),
    ])
    .answer(&[AnswerField::replace("lines", Ty::List), AnswerField::replace("text", Ty::Str)])
    .doc("Fires when a block of the transcript is laid out; the answer is kept until the block, the width or the theme changes.");

/// Fires when the composer is submitted.
#[derive(Debug, Clone, Copy)]
pub struct PromptSubmit;

impl Hook for PromptSubmit {
    const DECL: &'static HookDecl = &PROMPT_SUBMIT;
    type Payload = Object;
    type Answer = NoAnswer;
}

/// An answer without fields: consuming says it all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct NoAnswer {}

/// Fires when a block of the transcript is laid out.
#[derive(Debug, Clone, Copy)]
pub struct TranscriptRender;

impl Hook for TranscriptRender {
    const DECL: &'static HookDecl = &TRANSCRIPT_RENDER;
    type Payload = BlockPayload;
    type Answer = BlockAnswer;
}

/// Every hook of this crate.
pub static ALL: [&HookDecl; 2] = [&PROMPT_SUBMIT, &TRANSCRIPT_RENDER];

/// Declares the hooks of this crate; also where there is no screen, so that extensions which handle them load.
pub fn declare_all(kernel: &Kernel) {
    for decl in ALL {
        kernel.hook().declare(decl);
    }
}

/// A block about to be laid out; its fields are made when a handler reads them.
#[derive(Debug, Clone)]
pub struct BlockPayload {
    /// The block.
    pub block: Block,
    /// Columns to fill.
    pub width: usize,
}

impl Payload for BlockPayload {
    fn field(&self, name: &str) -> Option<Value> {
        let block = &self.block;
        match name {
            "block" => Some(json!({
                "id": block.id,
                "kind": block.kind,
                "role": block.role,
                "text": block.text,
                "streaming": block.streaming,
                "created_at": block.created_at,
                "meta": block.meta,
            })),
            "width" => Some(json!(self.width)),
            _ => None,
        }
    }

    fn set(&mut self, _: &str, _: Value) {}
}

/// How a handler wants a block to look.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct BlockAnswer {
    /// Lines: strings, spans, or lists of them.
    pub lines: Option<Vec<Value>>,
    /// Text that is wrapped; SGR sequences in it become styles.
    pub text: Option<String>,
}

impl BlockAnswer {
    /// Answers the lines, if the handler gave any; colours may be highlight groups of the kernel.
    pub fn into_lines(self, kernel: &Kernel, width: usize) -> Option<Vec<Line>> {
        let color = |text: &str, ground| kernel.hl().color(text, ground);
        if let Some(lines) = self.lines {
            return Some(lines.iter().flat_map(|line| line_with(line, &color)).collect());
        }
        let wrap = |line: Line| purlin_kernel::text::wrap_line(&line, width, &[]);
        self.text.map(|text| purlin_kernel::text::sgr::parse(&text).into_iter().flat_map(wrap).collect())
    }
}

/// Reads a colour as it is written.
type ReadColor<'a> = &'a dyn Fn(&str, Ground) -> Option<Color>;

/// Reads a line as extensions write it: a string, a span (`{text, fg, bold, …}`), or a list of either.
pub fn line_of(value: &Value) -> Vec<Line> {
    line_with(value, &|text, _| Color::parse(text))
}

fn line_with(value: &Value, color: ReadColor<'_>) -> Vec<Line> {
    match value {
        Value::Array(parts) => {
            let part = |part: &Value| match part {
                Value::String(text) if text.contains('\n') => line_with(&json!(within_line(text)), color),
                other => line_with(other, color),
            };
            vec![parts.iter().flat_map(part).flatten().collect()]
        }
        Value::Object(span) => {
            let text = span.get("text").or_else(|| span.get("1")).map_or_else(String::new, plain_text);
            vec![vec![Span::new(within_line(&text), style_with(span, color))]]
        }
        other => purlin_kernel::text::sgr::parse(&plain_text(other)),
    }
}

/// A line break inside of a line is shown as what it is, like any other control character.
fn within_line(text: &str) -> String {
    text.replace('\n', "^J")
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads a style from the fields `fg`, `bg`, `url` and the names of attributes; a nested `style` is looked at too.
pub fn style_of(fields: &Object) -> Style {
    style_with(fields, &|text, _| Color::parse(text))
}

fn style_with(fields: &Object, color: ReadColor<'_>) -> Style {
    let nested = fields.get("style").and_then(Value::as_object);
    let mut style = nested.map(|nested| style_with(nested, color)).unwrap_or_default();
    let read =
        |name: &str, ground| fields.get(name).and_then(Value::as_str).and_then(|text| color(text, ground));
    style.fg = read("fg", Ground::Fg).unwrap_or(style.fg);
    style.bg = read("bg", Ground::Bg).unwrap_or(style.bg);
    if let Some(url) = fields.get("url").and_then(Value::as_str) {
        style.url = Some(url.into());
    }
    for (name, attr) in purlin_kernel::text::Attrs::NAMES {
        if fields.get(name) == Some(&Value::Bool(true)) {
            style.attrs = style.attrs | attr;
        }
    }
    style
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_break_within_a_line_is_shown_and_one_between_lines_divides() {
        let texts = |value: Value| -> Vec<String> {
            line_of(&value).iter().map(|line| line.iter().map(|span| span.text.as_ref()).collect()).collect()
        };
        assert_eq!(texts(json!([["a"], ["b\nc"]])), ["ab^Jc"]);
        assert_eq!(texts(json!([{ "text": "a\nb" }, "c"])), ["a^Jbc"]);
        assert_eq!(texts(json!("a\nb")), ["a", "b"]);
    }
}
