//! `purlin.win.open`: splits, floats and docks.

use mlua::{MultiValue, Value};
use purlin_kernel::Window;
use purlin_kernel::window::{Anchor, Anchored, Border, Dock, DockSide, Length, Placement, Side, Split};

use super::super::call::{Call, Options};
use super::super::declare::{ApiFn, Opt, Run, Ty, key, req};
use crate::handle::LuaHandle;
use crate::spans::Reader;

pub(crate) const BORDERS: &[&str] = &["none", "single", "rounded", "double", "heavy", "line"];
const SIDES: &[&str] = &["above", "below", "left", "right"];
pub(crate) const DOCKS: &[&str] = &["header", "above", "below", "footer"];
const LENGTH: Ty = Ty::Either(&[Ty::Integer, Ty::String]);

const FLOAT: &[Opt] = &[
    key(
        "anchor",
        Ty::String,
        "The point that is held: `center`, `top-center`, `bottom-right`, …, or a corner such as `NE`; `top-left` without it.",
    ),
    key("of", Ty::String, "The window whose point it is held at; the screen without it."),
    key("row", Ty::Integer, "Rows down from there; may be negative."),
    key("col", Ty::Integer, "Columns right of there; may be negative."),
    key(
        "width",
        LENGTH,
        "Cells or a share such as `50%`, border included; what the content needs without it.",
    ),
    key("height", LENGTH, "The same for rows."),
    key("border", Ty::Choice(BORDERS), "The line around it; `none` without it."),
    key("title", Ty::Either(&[Ty::Text, Ty::List]), "What stands on the upper side of that line."),
];

const OPEN: &[Opt] = &[
    key("name", Ty::String, "Its name; one is made up without it."),
    key("buffer", Ty::String, "The buffer it shows; one of its own name without it."),
    key("role", Ty::String, "What it is for; its name without it."),
    key("split", Ty::Choice(SIDES), "On which side of `of` it takes room."),
    key("of", Ty::String, "The window it splits; the focused one without it."),
    key(
        "size",
        LENGTH,
        "How much it takes, its line included: cells or a share such as `30%`; half without it. For a dock: its cells.",
    ),
    key(
        "border",
        Ty::Choice(BORDERS),
        "For a split: the line around it, or `line`, which is there without it: a line on the side of `of`.",
    ),
    key("float", Ty::Options(FLOAT), "Floats over the others."),
    key("dock", Ty::Choice(DOCKS), "At which edge it queues up with others."),
    key("priority", Ty::Integer, "Lower is nearer to the edge's start; 0 without it."),
    key("exclusive", Ty::Boolean, "Whether it hides the others of its edge while it is there."),
    key("max", Ty::Integer, "The most rows a dock takes."),
    key("enter", Ty::Boolean, "Whether it gets the focus; false without it."),
    key("focusable", Ty::Boolean, "Whether it can have the focus; docks cannot without it."),
    key("zindex", Ty::Integer, "Higher is drawn over lower; floats are at 100 without it."),
    key("metadata", Ty::Table, "Anything."),
];

pub(crate) const FNS: &[ApiFn] = &[ApiFn {
    name: "win.open",
    params: &[req("window", Ty::Options(OPEN), "One of `split`, `float` and `dock`.")],
    returns: "Handle",
    errors: &[
        "There is already a window of that name.",
        "The window to split is not there.",
        "The extension already has as many windows as its quota allows, 256.",
    ],
    doc: "Opens a window beside another, over the others, or at an edge. The handle has its `name`; deleting it closes the window.",
    example: "local panel = purlin.win.open{ buffer = 'notes', float = { anchor = 'center', width = '50%', height = 10, border = 'rounded', title = 'Notes' } }\nassert(purlin.win.get(panel.name).buffer == 'notes')\npanel:del()",
    run: Run::Now(open),
}];

fn open(call: &Call) -> mlua::Result<MultiValue> {
    let options = call.options(0);
    let kernel = call.kernel()?;
    let name = match options.string("name") {
        Some(name) if name.is_empty() => {
            return Err(call.refuse(0, "field 'name': a name expected, got an empty string"));
        }
        Some(name) => name,
        None => free_name(call)?,
    };
    let buffer = options.string("buffer").unwrap_or_else(|| name.clone());
    let role = options.string("role").unwrap_or_else(|| name.clone());
    let mut window = Window::new(&name, role, buffer);
    window.placement = placement(call, &options)?;
    if let Some(float) = options.table("float") {
        window.zindex = 100;
        let border: Option<String> = float.raw_get("border")?;
        window.border = border.and_then(|word| Border::parse(&word)).unwrap_or_default();
        window.title = Reader::new(&kernel)
            .line(&float.raw_get::<Value>("title")?)
            .map_err(|why| call.refuse(0, format!("field 'float': field 'title': {why}")))?;
    }
    if matches!(window.placement, Placement::Split(_)) {
        let border = options.string("border").and_then(|word| Border::parse(&word));
        window.border = border.unwrap_or(Border::Line);
    }
    let docked = matches!(window.placement, Placement::Dock(_));
    window.focusable = options.flag("focusable").unwrap_or(!docked);
    window.zindex = options.int("zindex").map_or(window.zindex, |zindex| zindex as i32);
    if !options.value("metadata").is_nil() {
        window.metadata = options.map("metadata")?.into();
    }
    let enter = options.flag("enter").unwrap_or(false);
    let handle = kernel.win().open(call.env.ext, window, enter);
    let handle = handle.map_err(|error| call.fail(error.message))?;
    call.env.keep_window(&name, &handle);
    call.one(LuaHandle::new(&call.env, handle, "window").named(name))
}

/// A name nobody has, from the extension's.
fn free_name(call: &Call) -> mlua::Result<String> {
    let kernel = call.kernel()?;
    let mut number = 1_usize;
    loop {
        let name = format!("{}-{number}", call.env.name);
        if kernel.win().get(&name).is_none() {
            return Ok(name);
        }
        number += 1;
    }
}

fn placement(call: &Call, options: &Options<'_>) -> mlua::Result<Placement> {
    let kinds = ["split", "float", "dock"];
    let given: Vec<&str> = kinds.into_iter().filter(|kind| !options.value(kind).is_nil()).collect();
    match given.as_slice() {
        ["split"] => split(call, options).map(Placement::Split),
        ["float"] => float(call, options).map(Placement::Anchored),
        ["dock"] => dock(call, options).map(Placement::Dock),
        _ => Err(call.refuse(0, "one of the fields 'split', 'float' and 'dock' expected")),
    }
}

fn split(call: &Call, options: &Options<'_>) -> mlua::Result<Split> {
    let side = options.string("split").and_then(|word| Side::parse(&word)).unwrap_or(Side::Below);
    let of = match options.string("of") {
        Some(of) => of,
        None => match call.kernel()?.win().focused() {
            Some(window) => window.name.clone(),
            None => return Err(call.refuse(0, "field 'of' is missing, and no window has the focus")),
        },
    };
    Ok(Split { of, side, size: length(call, "size", &options.value("size"))? })
}

fn dock(call: &Call, options: &Options<'_>) -> mlua::Result<Dock> {
    let edge = options.string("dock").and_then(|word| DockSide::parse(&word)).unwrap_or(DockSide::Footer);
    let size = match length(call, "size", &options.value("size"))? {
        None | Some(Length::Content) => None,
        Some(Length::Cells(cells)) => Some(cells),
        Some(Length::Percent(_)) => {
            return Err(call.refuse(0, "field 'size': a number of rows expected, got a share"));
        }
    };
    Ok(Dock {
        side: edge,
        priority: options.int("priority").unwrap_or(0) as i32,
        exclusive: options.flag("exclusive").unwrap_or(false),
        size,
        max: options.count("max")?.map(super::cells),
    })
}

fn float(call: &Call, options: &Options<'_>) -> mlua::Result<Anchored> {
    let mut anchored = Anchored::default();
    let Some(float) = options.table("float") else { return Ok(anchored) };
    if let Some(word) = float.raw_get::<Option<String>>("anchor")? {
        anchored.anchor = Anchor::parse(&word).ok_or_else(|| {
            call.refuse(0, format!("field 'float': field 'anchor': a point such as 'center' or 'bottom-right' expected, got '{word}'"))
        })?;
    }
    anchored.of = float.raw_get("of")?;
    anchored.row = float.raw_get::<Option<i32>>("row")?.unwrap_or(0);
    anchored.col = float.raw_get::<Option<i32>>("col")?.unwrap_or(0);
    for (name, side) in [("width", &mut anchored.width), ("height", &mut anchored.height)] {
        if let Some(length) = length(call, name, &float.raw_get::<Value>(name)?)? {
            *side = length;
        }
    }
    Ok(anchored)
}

/// Reads cells or a share.
pub(crate) fn length(call: &Call, field: &str, value: &Value) -> mlua::Result<Option<Length>> {
    let wrong = || call.refuse(0, format!("field '{field}': cells, or a share such as '30%', expected"));
    match value {
        Value::Nil => Ok(None),
        Value::Integer(cells) => {
            u16::try_from(*cells).map(|cells| Some(Length::Cells(cells))).map_err(|_| wrong())
        }
        Value::String(text) => Length::parse(&text.to_string_lossy()).map(Some).ok_or_else(wrong),
        _ => Err(wrong()),
    }
}

/// A border's name as authors write it.
pub(super) fn border_name(border: Border) -> &'static str {
    match border {
        Border::None => "none",
        Border::Single => "single",
        Border::Rounded => "rounded",
        Border::Double => "double",
        Border::Heavy => "heavy",
        Border::Line => "line",
    }
}
