//! `purlin.ui`: text helpers, usable anywhere.

use purlin_kernel::text::{self, Token};

use super::super::call::Call;
use super::super::declare::{ApiFn, Param, Run, Ty, req};
use crate::spans;

const TEXT: Param = req("text", Ty::Text, "Any text.");
const WIDTH: Param = req("width", Ty::Integer, "Terminal cells.");
/// A wider row is nobody's screen.
const MAX_CELLS: usize = 1_000_000;

pub(crate) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "ui.measure",
        params: &[TEXT],
        returns: "integer",
        errors: &["The text is larger than 1 MiB."],
        doc: "Answers how many cells a text takes; graphemes count as a whole, tabs reach to the next stop of four.",
        example: "assert(purlin.ui.measure('日本') == 4)",
        run: Run::Now(|call| call.one(text::width(&bounded(call, 0, MAX_WRAPPED)?))),
    },
    ApiFn {
        name: "ui.truncate",
        params: &[TEXT, WIDTH],
        returns: "string",
        errors: &["The text is larger than 1 MiB."],
        doc: "Cuts a text to a width; what was cut ends in `…`. A width of 1 leaves `…`, one of 0 or less nothing.",
        example: "assert(purlin.ui.truncate('purlin', 4) == 'pur…')",
        run: Run::Now(|call| call.one(text::truncate(&bounded(call, 0, MAX_WRAPPED)?, width(call, 1)))),
    },
    ApiFn {
        name: "ui.pad_right",
        params: &[TEXT, WIDTH],
        returns: "string",
        errors: &["The text is larger than 1 MiB."],
        doc: "Fills a text with spaces up to a width, or cuts it there without an ellipsis.",
        example: "assert(purlin.ui.pad_right('ab', 4) == 'ab  ' and purlin.ui.pad_right('abc', 2) == 'ab')",
        run: Run::Now(|call| {
            let width = width(call, 1);
            if width > MAX_CELLS {
                return Err(call.refuse(1, format!("at most {MAX_CELLS} cells expected")));
            }
            call.one(text::pad_right(&bounded(call, 0, MAX_WRAPPED)?, width))
        }),
    },
    ApiFn {
        name: "ui.wrap",
        params: &[TEXT, WIDTH],
        returns: "string[]",
        errors: &["The text is larger than 1 MiB.", "The time of the handler is over."],
        doc: "Breaks a text into rows: after the last space or tab that fits; blanks at the end of a row and at the beginning of the next go; a grapheme that is too wide stands alone. A width of 0 or less gives one empty row.",
        example: "assert(purlin.ui.wrap('one two three', 7)[2] == 'three')",
        run: Run::Now(|call| {
            let rows = text::wrap(&bounded(call, 0, MAX_WRAPPED)?, width(call, 1));
            let list = call.lua.create_table_with_capacity(rows.len(), 0)?;
            for row in rows {
                call.spend(row.len())?;
                list.raw_push(row)?;
            }
            call.one(list)
        }),
    },
    ApiFn {
        name: "ui.theme_tokens",
        params: &[],
        returns: "string[]",
        errors: &[],
        doc: "Lists the names of the theme's colours, sorted.",
        example: "assert(table.find(purlin.ui.theme_tokens(), 'accent'))",
        run: Run::Now(|call| {
            let mut names: Vec<&str> = Token::ALL.iter().map(|token| token.name()).collect();
            names.sort_unstable();
            call.one(names)
        }),
    },
    ApiFn {
        name: "ui.markdown",
        params: &[TEXT, WIDTH],
        returns: "Span[][]",
        errors: &["The text is larger than 256 KiB.", "The time of the handler is over."],
        doc: "Lays Markdown out in lines of a width, each a list of spans. Code in it has its colours as far as they are ready; renderers are called again when they are.",
        example: "local lines = purlin.ui.markdown('# Title', 40)\nassert(lines[1][1].text == 'Title')",
        run: Run::Now(|call| {
            let lines = call.kernel()?.markdown(&bounded(call, 0, MAX_MARKDOWN)?, width(call, 1));
            call.one(spans::to_lua(&call.lua, &lines)?)
        }),
    },
];

/// A width or height; less than nothing is nothing.
pub(super) fn width(call: &Call, index: usize) -> usize {
    call.int_or(index, 0).max(0) as usize
}

/// A longer text cannot be wrapped before the deadline of a handler.
pub(super) const MAX_WRAPPED: usize = 1024 * 1024;
/// The same for Markdown.
pub(super) const MAX_MARKDOWN: usize = 256 * 1024;

/// A text of at most so many bytes.
pub(super) fn bounded(call: &Call, index: usize, most: usize) -> mlua::Result<String> {
    let text = call.string(index)?;
    if text.len() > most {
        return Err(call.refuse(index, format!("at most {} KiB of text expected", most / 1024)));
    }
    Ok(text)
}
