//! `purlin.ui`: drawing onto windows, from anywhere.
//!
//! Rows and columns count from the window's upper left corner, inside its border. What lies outside is cut off. What is
//! drawn shows with the next frame and stays until the window is drawn anew.

use mlua::{MultiValue, Table, Value};
use purlin_kernel::DrawOp;
use purlin_kernel::text::Style;

use super::super::call::Call;
use super::super::declare::{ApiFn, Opt, Param, Run, Ty, key, opt, req};
use super::super::hl::STYLE;
use crate::spans::Reader;

const WIN: Param = req("win", Ty::String, "The window's name.");
const ROW: Param = req("row", Ty::Integer, "The row, from 0; may lie outside.");
const COL: Param = req("col", Ty::Integer, "The column, from 0; may lie outside.");
const STYLE_TY: Ty = Ty::Either(&[Ty::String, Ty::Options(STYLE)]);
const STYLED: Param = opt("style", STYLE_TY, "A style, or the name of a group.");
const NO_WINDOW: &str = "There is no such window.";

/// What an operation of a batch takes; the second names are those of earlier hosts.
const OP: &[Opt] = &[
    key("op", Ty::Choice(OPS), "What is drawn: the name of a function of this page."),
    key("kind", Ty::Choice(&["text", "spans", "box", "clear"]), "The older name of `op`."),
    key("window", Ty::String, "The window's name."),
    key("row", Ty::Integer, "The row; 0 without it."),
    key("col", Ty::Integer, "The column; 0 without it."),
    key("height", Ty::Integer, "Rows of a region."),
    key("width", Ty::Integer, "Columns of a region."),
    key("text", Ty::Text, "The text."),
    key("lines", Ty::Either(&[Ty::Text, Ty::List]), "The lines."),
    key("spans", Ty::List, "The spans."),
    key("style", STYLE_TY, "The style."),
    key("clear", Ty::Boolean, "Ignored."),
    STYLE[0],
    STYLE[1],
    STYLE[2],
    STYLE[3],
    STYLE[4],
    STYLE[5],
    STYLE[6],
    STYLE[7],
    STYLE[8],
];

const OPS: &[&str] =
    &["clear_window", "clear_region", "draw_text", "draw_lines", "draw_spans", "draw_box", "set_cursor"];

pub(crate) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "ui.clear_window",
        params: &[WIN],
        returns: "",
        errors: &[NO_WINDOW],
        doc: "Makes a window blank.",
        example: "purlin.ui.clear_window('transcript')",
        run: Run::Now(|call| draw(call, DrawOp::Clear)),
    },
    ApiFn {
        name: "ui.clear_region",
        params: &[
            WIN,
            ROW,
            COL,
            req("height", Ty::Integer, "Rows."),
            req("width", Ty::Integer, "Columns."),
            STYLED,
        ],
        returns: "",
        errors: &[NO_WINDOW],
        doc: "Makes a region of a window blank, in a style.",
        example: "purlin.ui.clear_region('transcript', 0, 0, 2, 10, { bg = 'selectedBg' })",
        run: Run::Now(|call| {
            let (row, col) = (cell(call, 1), cell(call, 2));
            let (height, width) = (cell(call, 3), cell(call, 4));
            draw(call, DrawOp::ClearRegion { row, col, height, width, style: style(call, 5)? })
        }),
    },
    ApiFn {
        name: "ui.draw_text",
        params: &[WIN, ROW, COL, req("text", Ty::Text, "One line; control characters are shown."), STYLED],
        returns: "",
        errors: &[NO_WINDOW],
        doc: "Draws a text and fills the rest of the row in its style.",
        example: "purlin.ui.draw_text('transcript', 0, 2, 'hello', { fg = 'accent', bold = true })",
        run: Run::Now(|call| {
            let (row, col, text) = (cell(call, 1), cell(call, 2), call.string(3)?);
            draw(call, DrawOp::Text { row, col, text: text.replace('\n', "^J"), style: style(call, 4)? })
        }),
    },
    ApiFn {
        name: "ui.draw_lines",
        params: &[
            WIN,
            ROW,
            COL,
            req("lines", Ty::Either(&[Ty::Text, Ty::List]), "A text, lines, or span lists."),
            STYLED,
        ],
        returns: "",
        errors: &[NO_WINDOW],
        doc: "Draws lines below one another and fills the rest of each row.",
        example: "purlin.ui.draw_lines('transcript', 0, 0, { 'one', { { text = 'two', dim = true } } })",
        run: Run::Now(|call| {
            let kernel = call.kernel()?;
            let lines = Reader::new(&kernel).lines(call.value(3)).map_err(|why| call.refuse(3, why))?;
            draw(
                call,
                DrawOp::Lines { row: cell(call, 1), col: cell(call, 2), lines, style: style(call, 4)? },
            )
        }),
    },
    ApiFn {
        name: "ui.draw_spans",
        params: &[WIN, ROW, COL, req("spans", Ty::List, "Spans, one after another.")],
        returns: "",
        errors: &[NO_WINDOW],
        doc: "Draws spans and nothing behind them.",
        example: "purlin.ui.draw_spans('transcript', 0, 0, { { text = 'hot ', fg = 'error' }, 'cold' })",
        run: Run::Now(|call| {
            let kernel = call.kernel()?;
            let spans = Reader::new(&kernel).line(call.value(3)).map_err(|why| call.refuse(3, why))?;
            draw(call, DrawOp::Spans { row: cell(call, 1), col: cell(call, 2), spans })
        }),
    },
    ApiFn {
        name: "ui.draw_box",
        params: &[WIN, STYLED],
        returns: "",
        errors: &[NO_WINDOW],
        doc: "Draws a line along the window's edge; in the colour `border` without a style.",
        example: "purlin.ui.draw_box('transcript', { fg = 'borderAccent' })",
        run: Run::Now(|call| {
            let style = style(call, 1)?;
            draw(call, DrawOp::Box { style, title: Vec::new() })
        }),
    },
    ApiFn {
        name: "ui.draw_batch",
        params: &[req(
            "ops",
            Ty::List,
            "Operations, each a table with `op`, `window` and what that function takes.",
        )],
        returns: "",
        errors: &[NO_WINDOW, "An operation is not understood; the error names it."],
        doc: "Draws several things with one call, in order.",
        example: "purlin.ui.draw_batch({\n  { op = 'clear_window', window = 'transcript' },\n  { op = 'draw_text', window = 'transcript', row = 1, col = 1, text = 'hello', style = { bold = true } },\n})",
        run: Run::Now(batch),
    },
    ApiFn {
        name: "ui.set_cursor",
        params: &[
            WIN,
            req("row", Ty::Integer, "The row, from 0."),
            req("col", Ty::Integer, "The column, from 0."),
        ],
        returns: "",
        errors: &[NO_WINDOW],
        doc: "Puts a window's cursor somewhere until the window is drawn anew; it shows while the window has the focus.",
        example: "purlin.ui.set_cursor('transcript', 0, 3)",
        run: Run::Now(|call| {
            let (row, col) = (call.position(1)?, call.position(2)?);
            let at = |cells: usize| cells.min(usize::from(u16::MAX)) as u16;
            draw(call, DrawOp::Cursor { row: at(row), col: at(col) })
        }),
    },
    ApiFn {
        name: "ui.redraw",
        params: &[opt("win", Ty::String, "The window's name; all without it.")],
        returns: "",
        errors: &[],
        doc: "Has a window drawn anew by who draws it; what was drawn on it goes.",
        example: "purlin.ui.redraw('transcript')",
        run: Run::Now(|call| {
            let name = call.opt_string(0)?;
            call.kernel()?.win().redraw(name.as_deref());
            call.none()
        }),
    },
];

/// A row or column; what lies far outside is outside.
fn cell(call: &Call, index: usize) -> i32 {
    clamp(call.int_or(index, 0))
}

fn clamp(cells: i64) -> i32 {
    cells.clamp(-100_000, 100_000) as i32
}

fn style(call: &Call, index: usize) -> mlua::Result<Style> {
    if call.is_nil(index) {
        return Ok(Style::default());
    }
    let kernel = call.kernel()?;
    Reader::new(&kernel).style(call.value(index)).map_err(|why| call.refuse(index, why))
}

fn draw(call: &Call, op: DrawOp) -> mlua::Result<MultiValue> {
    let drawn = call.kernel()?.win().draw(call.env.ext, &call.str(0)?, op);
    drawn.map_err(|error| call.fail(error.message))?;
    call.none()
}

fn batch(call: &Call) -> mlua::Result<MultiValue> {
    let Some(list) = call.opt_table(0) else { return call.none() };
    let kernel = call.kernel()?;
    let mut ops = Vec::new();
    for index in 1..=list.raw_len() {
        call.spend(0)?;
        let wrong = |why: String| call.refuse(0, format!("operation {index}: {why}"));
        let Value::Table(fields) = list.raw_get::<Value>(index)? else {
            return Err(wrong("a table expected".to_owned()));
        };
        ops.push(operation(&Reader::new(&kernel), &fields).map_err(wrong)?);
    }
    kernel.win().draw_all(call.env.ext, ops).map_err(|error| call.fail(error.message))?;
    call.none()
}

/// Reads an operation of a batch, or of an answer: the window and what is drawn.
pub(crate) fn operation(reader: &Reader<'_>, fields: &Table) -> Result<(String, DrawOp), String> {
    if let Some(why) = super::super::check::refuse_options(OP, fields) {
        return Err(why);
    }
    let value = |name: &str| fields.raw_get::<Value>(name).unwrap_or(Value::Nil);
    let word = |name: &str| value(name).as_string().map(mlua::LuaString::to_string_lossy);
    let number = |name: &str| clamp(value(name).as_i64().unwrap_or(0));
    let window = word("window").ok_or("field 'window' is missing")?;
    let op = word("op").or_else(|| {
        let older = match word("kind")?.as_str() {
            "text" => "draw_text",
            "spans" => "draw_spans",
            "box" => "draw_box",
            _ => "clear_region",
        };
        Some(older.to_owned())
    });
    let op = op.ok_or("field 'op' is missing")?;
    let (row, col) = (number("row"), number("col"));
    let style = match value("style") {
        // As earlier hosts have it: the fields of the style stand in the operation itself.
        Value::Nil => reader.style_within(fields)?,
        style => reader.style(&style).map_err(|why| format!("field 'style': {why}"))?,
    };
    let drawn = match op.as_str() {
        "clear_window" => DrawOp::Clear,
        "clear_region" => {
            DrawOp::ClearRegion { row, col, height: number("height"), width: number("width"), style }
        }
        "draw_text" => {
            let line = reader.line(&value("text"))?;
            let text = purlin_kernel::text::line_plain(&line);
            DrawOp::Text { row, col, text, style }
        }
        "draw_lines" => DrawOp::Lines { row, col, lines: reader.lines(&value("lines"))?, style },
        "draw_spans" => DrawOp::Spans { row, col, spans: reader.line(&value("spans"))? },
        "draw_box" => DrawOp::Box { style, title: Vec::new() },
        _ => DrawOp::Cursor { row: row.clamp(0, 65_535) as u16, col: col.clamp(0, 65_535) as u16 },
    };
    Ok((window, drawn))
}
