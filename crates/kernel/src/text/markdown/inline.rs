//! Inline content: emphasis, code, links, breaks.

use std::rc::Rc;

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::text::{Attrs, Line, Span, Style, Token, cells};

/// Collects inline events as lines; a line break in the source is a line break on the screen.
pub(super) struct Inline {
    styles: Vec<Style>,
    links: Vec<Link>,
    lines: Vec<Line>,
}

struct Link {
    url: Rc<str>,
    shown: String,
    image: bool,
}

impl Inline {
    pub(super) fn new(base: Style) -> Inline {
        Inline { styles: vec![base], links: Vec::new(), lines: vec![Line::new()] }
    }

    fn style(&self) -> Style {
        self.styles.last().cloned().unwrap_or_default()
    }

    fn push(&mut self, text: &str, style: Style) {
        if text.is_empty() {
            return;
        }
        let text = cells::visible(text).replace(['\t', '\n'], " ");
        if let Some(link) = self.links.last_mut() {
            link.shown.push_str(&text);
        }
        let Some(line) = self.lines.last_mut() else { return };
        match line.last_mut() {
            Some(last) if last.style == style => last.text.to_mut().push_str(&text),
            _ => line.push(Span::new(text, style)),
        }
    }

    fn open(&mut self, change: impl FnOnce(Style) -> Style) {
        let style = change(self.style());
        self.styles.push(style);
    }

    fn open_link(&mut self, url: &str, image: bool) {
        let url: Rc<str> = cells::visible(url).into();
        if image {
            self.push("[image: ", self.style());
        }
        let target = Rc::clone(&url);
        self.open(|style| Style { fg: Token::Link.into(), ..style }.link(target));
        self.links.push(Link { url, shown: String::new(), image });
    }

    fn close_link(&mut self) {
        self.styles.pop();
        let Some(link) = self.links.pop() else { return };
        if link.image {
            self.push("]", self.style());
        }
        let bare = link.url.strip_prefix("mailto:").unwrap_or(&link.url);
        let elsewhere = link.url.starts_with("http") && link.shown.trim() != bare;
        if elsewhere {
            let style = self.style().with_fg(Token::Dim).link(Rc::clone(&link.url));
            self.push(&format!(" ({})", link.url), style);
        }
    }

    /// Takes one event; answers `false` for an event that is not inline content.
    pub(super) fn event(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Text(text) => self.push(text, self.style()),
            Event::Code(code) => self.push(code, self.style().with_fg(Token::CodeText)),
            Event::InlineHtml(html) | Event::Html(html) => self.push(html, self.style().with_fg(Token::Dim)),
            Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.push(text, self.style().with_fg(Token::CodeText));
            }
            Event::FootnoteReference(label) => self.push(&format!("[{label}]"), self.style()),
            Event::TaskListMarker(done) => self.push(if *done { "☑ " } else { "☐ " }, self.style()),
            Event::SoftBreak | Event::HardBreak => self.lines.push(Line::new()),
            Event::Start(Tag::Emphasis) => self.open(|style| style.with(Attrs::ITALIC)),
            Event::Start(Tag::Strong) => self.open(|style| style.with(Attrs::BOLD)),
            Event::Start(Tag::Strikethrough) => self.open(|style| style.with(Attrs::STRIKE)),
            Event::Start(Tag::Link { dest_url, .. }) => self.open_link(dest_url, false),
            Event::Start(Tag::Image { dest_url, .. }) => self.open_link(dest_url, true),
            Event::End(TagEnd::Link | TagEnd::Image) => self.close_link(),
            Event::End(TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough) => {
                self.styles.pop();
            }
            _ => return false,
        }
        true
    }

    /// Tells whether nothing has been collected.
    pub(super) fn is_empty(&self) -> bool {
        self.lines.iter().all(Vec::is_empty)
    }

    /// Answers what has been collected and begins anew.
    pub(super) fn take(&mut self) -> Vec<Line> {
        std::mem::replace(&mut self.lines, vec![Line::new()])
    }
}
