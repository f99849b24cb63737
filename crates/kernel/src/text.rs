//! Text services: width, wrapping, styles, spans, themes, SGR and streaming markdown.
//!
//! Everything that turns characters into something with a place and a look on a cell grid lives here, so that the
//! terminal, another surface and an extension get the same answer. Nothing here knows a terminal: colours are tokens
//! of a [`theme::Theme`] until a surface resolves them.
//!
//! Principal types: [`Style`], [`Span`] and [`Line`] (what renderers draw), [`theme::Theme`] (what tokens mean).
//!
//! Invariants: widths are counted per grapheme cluster ([`width()`]); no function here emits or keeps a control
//! character in a span that it made from a control character (it is shown as `^X`); every line that a wrapping function
//! answers fits its width, except a single grapheme that is wider than the width.
//!
//! ```
//! use purlin_kernel::text::{truncate, width, wrap};
//! assert_eq!(width("日本"), 4);
//! assert_eq!(wrap("one two three", 7), ["one two", "three"]);
//! assert_eq!(truncate("purlin", 4), "pur…");
//! ```

pub mod markdown;
pub mod sgr;
pub mod theme;

mod cells;
mod hunks;
mod scroll;
mod span;
mod style;
mod wrapping;

pub use cells::{
    TAB_WIDTH, fit, grapheme_width, graphemes, head, pad_right, truncate, visible, width, width_from,
};
pub use hunks::{DiffTag, Hunk, diff, diff_until, unified_diff};
pub use scroll::{Viewport, VirtualItem, VirtualList, viewport, virtual_list};
pub use span::{Line, Span, line_plain, line_truncate, line_width, plain, styled};
pub use style::{Attrs, Color, GroupLayer, Part, Style, Token};
pub use wrapping::{Broken, break_line, wrap, wrap_line};

/// Highlights code; implemented where grammars are known.
pub trait Highlighter {
    /// Answers the code's lines in the theme's tokens; `None` for a language that is not known. May wait a moment.
    fn lines(&self, code: &str, language: &str) -> Option<Vec<Line>>;

    /// Answers the same without waiting: `None` also for lines that are not ready. Whoever highlights says when they are.
    fn glance(&self, code: &str, language: &str) -> Option<Vec<Line>> {
        self.lines(code, language)
    }
}
