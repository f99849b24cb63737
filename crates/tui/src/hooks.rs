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
        Field::new("lines", Ty::List, "What a handler before answered, if one did."),
        Field::new("text", Ty::Str, "The same where it answered a text."),
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
    /// What the handlers before answered.
    answered: Object,
}

impl BlockPayload {
    /// Describes a block that nobody has answered for yet.
    pub fn new(block: Block, width: usize) -> Self {
        Self { block, width, answered: Object::new() }
    }
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
            name => self.answered.get(name).cloned(),
        }
    }

    fn set(&mut self, name: &str, value: Value) {
        self.answered.insert(name.to_owned(), value);
    }
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
    /// Answers the lines, if the handler gave any; colours and styles may be highlight groups of the kernel.
    pub fn into_lines(self, kernel: &Kernel, width: usize) -> Option<Vec<Line>> {
        let reader = Reader { kernel: Some(kernel) };
        if let Some(lines) = self.lines {
            return Some(lines.iter().flat_map(|line| reader.lines(line)).collect());
        }
        let wrap = |line: Line| purlin_kernel::text::wrap_line(&line, width, &[]);
        self.text.map(|text| purlin_kernel::text::sgr::parse(&text).into_iter().flat_map(wrap).collect())
    }
}

/// Reads a line as extensions write it: a string, a span (`{text, fg, bold, …}`), or a list of either.
pub fn line_of(value: &Value) -> Vec<Line> {
    Reader { kernel: None }.lines(value)
}

/// Reads a style from the fields `fg`, `bg`, `url` and the names of attributes; a nested `style` is looked at too.
pub fn style_of(fields: &Object) -> Style {
    Reader { kernel: None }.style(fields)
}

/// Reads what handlers answer; groups are known where there is a kernel.
#[derive(Clone, Copy)]
struct Reader<'a> {
    kernel: Option<&'a Kernel>,
}

impl Reader<'_> {
    fn lines(self, value: &Value) -> Vec<Line> {
        match value {
            Value::Array(parts) => vec![parts.iter().flat_map(|part| self.part(part)).collect()],
            Value::Object(_) => vec![self.part(value)],
            other => purlin_kernel::text::sgr::parse(&plain_text(other)),
        }
    }

    /// Reads what stands within a line: a text, a span, a pair `[text, style]`, or a list of them.
    fn part(self, value: &Value) -> Line {
        match value {
            Value::Array(parts) => {
                if let [Value::String(text), style] = parts.as_slice()
                    && let Some(style) = self.named(style)
                {
                    return laid_on(&style, text);
                }
                parts.iter().flat_map(|part| self.part(part)).collect()
            }
            Value::Object(fields) => {
                let text =
                    fields.get("text").or_else(|| fields.get("1")).map_or_else(String::new, plain_text);
                laid_on(&self.style(fields), &text)
            }
            other => laid_on(&Style::default(), &plain_text(other)),
        }
    }

    /// Reads the second of a pair: the name of a group or colour, or the fields of a style.
    fn named(self, value: &Value) -> Option<Style> {
        match value {
            Value::String(name) => match self.kernel {
                Some(kernel) => kernel.hl().named(name),
                None => Color::parse(name).map(Style::fg),
            },
            Value::Object(fields) if !fields.contains_key("text") => Some(self.style(fields)),
            _ => None,
        }
    }

    /// Reads fields; they lie on the group that `hl` names, and that on what `style` is.
    fn style(self, fields: &Object) -> Style {
        let below = ["style", "hl", "2"].into_iter().filter_map(|name| self.named(fields.get(name)?));
        let mut style = below.fold(Style::default(), |under, style| under.patch(&style));
        for (name, ground) in [("fg", Ground::Fg), ("bg", Ground::Bg)] {
            if let Some(colored) = fields.get(name).and_then(|text| self.colored(text.as_str()?, ground)) {
                style = style.patch(&colored);
            }
        }
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

    fn colored(self, text: &str, ground: Ground) -> Option<Style> {
        match self.kernel {
            Some(kernel) => kernel.hl().color(text, ground),
            None => Color::parse(text).map(|color| match ground {
                Ground::Fg => Style::fg(color),
                Ground::Bg => Style::new().on(color),
            }),
        }
    }
}

/// A text within a line: SGR sequences become styles over this one, and a line break is shown as what it is, like any
/// other control character.
fn laid_on(style: &Style, text: &str) -> Line {
    let lines = purlin_kernel::text::sgr::parse(&text.replace('\n', "^J"));
    lines.into_iter().flatten().map(|span| Span { style: style.patch(&span.style), ..span }).collect()
}

fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use purlin_kernel::text::Token;

    #[test]
    fn a_line_break_within_a_line_is_shown_and_one_between_lines_divides() {
        let texts = |value: Value| -> Vec<String> {
            line_of(&value).iter().map(|line| line.iter().map(|span| span.text.as_ref()).collect()).collect()
        };
        assert_eq!(texts(json!([["a"], ["b\nc"]])), ["ab^Jc"]);
        assert_eq!(texts(json!([{ "text": "a\nb" }, "c"])), ["a^Jbc"]);
        assert_eq!(texts(json!("a\nb")), ["a", "b"]);
        assert_eq!(texts(json!([["a", "dim"], { "text": "\u{1b}[1mb\u{7}" }])), ["ab^G"]);
    }

    #[test]
    fn spans_take_styles_by_fields_by_pairs_and_by_sequences() {
        let line = line_of(&json!([["a", "dim"], { "text": "\u{1b}[1mb", "fg": "accent" }, "c"])).remove(0);
        let bold = Style::fg(Token::Accent).with(purlin_kernel::text::Attrs::BOLD);
        assert_eq!(
            line,
            [Span::new("a", Style::fg(Token::Dim)), Span::new("b", bold), Span::new("c", Style::default())]
        );
    }
}
