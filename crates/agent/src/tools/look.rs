//! How the calls of one tool look in the transcript when an extension says so.
//!
//! It is a handler of `transcript_render`, which any extension could write itself; here is the part that all share.

use std::rc::Rc;

use purlin_kernel::text::{Attrs, Color, Line, Part, Span, Style, Token, line_width, sgr, wrap_line};
use purlin_kernel::{
    ExtId, Handle, HandlerError, HandlerFn, HookError, HookEvent, Kernel, OnOptions, Registration,
};
use serde_json::{Value, json};

/// Answers the header of a call: its arguments and the width; nothing = the built-in one.
pub type HeaderFn = Rc<dyn Fn(&Value, usize) -> Result<Option<Vec<Line>>, HandlerError>>;
/// Answers the body: the result's text, whether it is an error, and the width; nothing = the built-in one.
pub type BodyFn = Rc<dyn Fn(&str, bool, usize) -> Result<Option<Vec<Line>>, HandlerError>>;

/// How the calls of one tool look.
#[derive(Clone, Default)]
pub struct ToolLook {
    /// What the tool is called; absent = its name with a capital.
    pub display_name: Option<String>,
    /// Colour of the line at the left; absent = `success`, for a failure `error`.
    pub border: Option<Style>,
    /// Colour behind the block.
    pub background: Option<Style>,
    /// Whether what `body` answers as text is Markdown.
    pub markdown: bool,
    /// The header.
    pub header: Option<HeaderFn>,
    /// The body.
    pub body: Option<BodyFn>,
}

/// A look that nobody sees.
struct Unseen(String);

impl Registration for Unseen {
    fn name(&self) -> String {
        self.0.clone()
    }
}

impl std::fmt::Debug for ToolLook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ToolLook").field("display_name", &self.display_name).finish_non_exhaustive()
    }
}

impl ToolLook {
    /// Shows the calls of a tool this way; of several for one tool the latest counts.
    ///
    /// Where nothing lays a transcript out, it is kept and has no effect.
    pub fn register(self, kernel: &Kernel, owner: ExtId, tool: &str) -> Result<Handle, HookError> {
        let (tool, look, weak) = (tool.to_owned(), self, kernel.downgrade());
        if kernel.hook().decl("transcript_render").is_none() {
            return Ok(kernel.ext().add(owner, Unseen(tool)));
        }
        let run = HandlerFn::sync(move |event| match weak.upgrade() {
            Some(kernel) => look.answer(&kernel, &tool, event),
            None => Ok(Value::Null),
        });
        let options = OnOptions { desc: "tool renderer".to_owned(), ..OnOptions::default() };
        kernel.hook().on(owner, "transcript_render", options, run)
    }

    fn answer(&self, kernel: &Kernel, tool: &str, event: &HookEvent) -> Result<Value, HandlerError> {
        let Some(block) = event.get("block") else { return Ok(Value::Null) };
        let meta = &block["meta"];
        if block["kind"] != "tool" || meta["name"] != tool {
            return Ok(Value::Null);
        }
        let width = event.get("width").and_then(|width| width.as_u64()).unwrap_or(80) as usize;
        let inner = width.saturating_sub(2).max(1);
        let failed = matches!(meta["status"].as_str(), Some("error" | "failed" | "blocked"));
        let mut lines = self.head(tool, &meta["args"], inner)?;
        lines.extend(self.text(kernel, block["text"].as_str().unwrap_or_default(), failed, inner)?);
        let edge = if failed { Token::Error } else { Token::Success };
        let edge = self.border.clone().unwrap_or_else(|| Style::fg(edge));
        let framed: Vec<Value> =
            lines.into_iter().map(|line| written(&self.framed(line, &edge, width))).collect();
        Ok(json!({ "lines": framed }))
    }

    fn head(&self, tool: &str, args: &Value, width: usize) -> Result<Vec<Line>, HandlerError> {
        if let Some(header) = &self.header
            && let Some(lines) = header(args, width)?.filter(|lines| !is_blank(lines))
        {
            return Ok(lines);
        }
        let name = self.display_name.clone().unwrap_or_else(|| capitalised(tool));
        let bold = Style::new().with(Attrs::BOLD);
        Ok(vec![vec![Span::new(name, bold)]])
    }

    fn text(
        &self,
        kernel: &Kernel,
        result: &str,
        failed: bool,
        width: usize,
    ) -> Result<Vec<Line>, HandlerError> {
        let wrapped = |lines: Vec<Line>| lines.iter().flat_map(|line| wrap_line(line, width, &[])).collect();
        if let Some(body) = &self.body
            && let Some(lines) = body(result, failed, width)?.filter(|lines| !is_blank(lines))
        {
            if self.markdown {
                let text: Vec<String> =
                    lines.iter().map(|line| purlin_kernel::text::line_plain(line)).collect();
                return Ok(kernel.markdown(&text.join("\n"), width));
            }
            return Ok(wrapped(lines));
        }
        Ok(if result.is_empty() { Vec::new() } else { wrapped(sgr::output(result)) })
    }

    /// The line behind the edge, on the background.
    fn framed(&self, line: Line, edge: &Style, width: usize) -> Line {
        let ground = self.background.clone().unwrap_or_default();
        let mut framed = vec![Span::new("▌ ", ground.patch(edge))];
        framed.extend(line.into_iter().map(|span| Span { style: ground.patch(&span.style), ..span }));
        let free = width.saturating_sub(line_width(&framed));
        if self.background.is_some() && free > 0 {
            framed.push(Span::new(" ".repeat(free), ground));
        }
        framed
    }
}

fn is_blank(lines: &[Line]) -> bool {
    lines.iter().all(|line| line.iter().all(|span| span.text.is_empty()))
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A line as a handler writes it.
fn written(line: &[Span]) -> Value {
    Value::Array(line.iter().map(span).collect())
}

fn span(span: &Span) -> Value {
    let mut fields = styled(&span.style);
    fields["text"] = json!(span.text);
    fields
}

/// A style as a handler writes it; groups by their names, over what lies below them.
fn styled(style: &Style) -> Value {
    let mut fields = json!({});
    if let Some(layer) = &style.layer {
        let field = match layer.part {
            Part::Whole => "hl",
            Part::Fg => "fg",
            Part::Bg => "bg",
        };
        fields[field] = json!(&*layer.group);
        if layer.under != Style::default() {
            fields["style"] = styled(&layer.under);
        }
    }
    for (name, color) in [("fg", style.fg), ("bg", style.bg)] {
        if let Some(color) = color_text(color) {
            fields[name] = Value::String(color);
        }
    }
    for (name, attr) in Attrs::NAMES {
        if style.attrs.contains(attr) {
            fields[name] = Value::Bool(true);
        }
    }
    if let Some(url) = &style.url {
        fields["url"] = Value::String(url.to_string());
    }
    fields
}

fn color_text(color: Color) -> Option<String> {
    match color {
        Color::Default => None,
        Color::Token(token) => Some(token.name().to_owned()),
        Color::Indexed(index) => Some(index.to_string()),
        Color::Rgb(r, g, b) => Some(format!("#{r:02x}{g:02x}{b:02x}")),
    }
}
