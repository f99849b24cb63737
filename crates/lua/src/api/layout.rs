//! `purlin.layout`: where the windows stand.

use mlua::{MultiValue, Table, Value};
use purlin_kernel::window::{DockSide, Length};
use purlin_kernel::{Dir, LayoutNode, PartialRect};

use super::call::Call;
use super::declare::{ApiFn, Run, Ty, req};
use super::win::open::length;

/// Deeper trees are mistakes.
const MAX_DEPTH: usize = 32;
/// A screen has no room for more nodes.
const MAX_NODES: usize = 1000;
const NODE: [&str; 8] = ["dir", "win", "grow", "min", "max", "size", "dock", "children"];

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "layout.get",
        params: &[],
        returns: "{ width: integer, height: integer, windows: { [string]: Window }, tree: table }",
        errors: &[],
        doc: "Answers the size of the screen, the windows by name, and the tree in force.",
        example: "local layout = purlin.layout.get()\nassert(layout.windows.composer.role == 'composer')",
        run: Run::Now(get),
    },
    ApiFn {
        name: "layout.set",
        params: &[req(
            "rects",
            Ty::Table,
            "Windows by name, each with any of `x, y, width, height`; or a table with them in `windows`.",
        )],
        returns: "",
        errors: &["A window is not there, or would not lie on the screen; nothing changes then."],
        doc: "Fixes the places of windows, in cells of the screen, until `layout.reset`. A field that is left out stays as the tree computes it, also after a resize.",
        example: "purlin.layout.set({ transcript = { height = 5 } })\npurlin.layout.reset()",
        run: Run::Now(set),
    },
    ApiFn {
        name: "layout.tree",
        params: &[req(
            "tree",
            Ty::Table,
            "`{ dir = 'col', { win = 'transcript', grow = 1 }, { win = 'composer', min = 3, max = 12 }, { dock = 'footer' } }`; a node takes `dir` (`row` or `col`) with nodes in it, or `win`, or `dock`, and any of `grow`, `min`, `max`, `size` (cells or `30%`).",
        )],
        returns: "",
        errors: &["A node is not understood; the error names its place."],
        doc: "Puts a tree of rows and columns in force. A window that is not in it is not shown, but for floats and docks.",
        example: "purlin.layout.tree({ dir = 'col', { win = 'transcript', grow = 1 }, { win = 'composer', min = 3, max = 12 } })\nassert(purlin.layout.get().tree[2].max == 12)\npurlin.layout.reset()",
        run: Run::Now(|call| {
            let Some(table) = call.opt_table(0) else { return call.none() };
            let mut room = MAX_NODES;
            let tree = node(call, &table, "tree", 0, &mut room)?;
            call.kernel()?.layout().set_tree(tree);
            call.none()
        }),
    },
    ApiFn {
        name: "layout.reset",
        params: &[],
        returns: "",
        errors: &[],
        doc: "Returns to the built-in layout and lets go of fixed places.",
        example: "purlin.layout.reset()",
        run: Run::Now(|call| {
            call.kernel()?.layout().reset();
            call.none()
        }),
    },
];

fn get(call: &Call) -> mlua::Result<MultiValue> {
    let kernel = call.kernel()?;
    let (width, height) = kernel.layout().size();
    let windows = call.lua.create_table()?;
    for window in kernel.win().list() {
        windows.raw_set(window.name.as_str(), call.env.views()?.window(&call.lua, window.name.as_str())?)?;
    }
    let table = call.lua.create_table()?;
    table.raw_set("width", width)?;
    table.raw_set("height", height)?;
    table.raw_set("windows", windows)?;
    table.raw_set("tree", node_to_lua(call, &kernel.layout().get())?)?;
    call.one(table)
}

fn node_to_lua(call: &Call, node: &LayoutNode) -> mlua::Result<Table> {
    let table = call.lua.create_table()?;
    for child in &node.children {
        table.raw_push(node_to_lua(call, child)?)?;
    }
    if !node.children.is_empty() {
        table.raw_set("dir", if node.dir == Dir::Row { "row" } else { "col" })?;
    }
    table.raw_set("win", node.win.as_deref())?;
    table.raw_set("dock", node.dock.map(DockSide::name))?;
    for (name, value) in [("grow", node.grow), ("min", node.min)] {
        if value > 0 {
            table.raw_set(name, value)?;
        }
    }
    table.raw_set("max", node.max)?;
    match (node.size, node.percent) {
        (Some(cells), _) => table.raw_set("size", cells)?,
        (None, Some(share)) => table.raw_set("size", format!("{share}%"))?,
        (None, None) => {}
    }
    Ok(table)
}

fn set(call: &Call) -> mlua::Result<MultiValue> {
    let Some(table) = call.opt_table(0) else { return call.none() };
    let windows = table.raw_get::<Option<Table>>("windows").ok().flatten().unwrap_or(table);
    let mut rects = Vec::new();
    windows.for_each::<Value, Value>(|name, fields| {
        if let (Value::String(name), Value::Table(fields)) = (&name, &fields) {
            rects.push((name.to_string_lossy(), rect(call, &name.to_string_lossy(), fields)?));
        }
        Ok(())
    })?;
    // The order of a table's fields is not defined; the first error told is.
    rects.sort_by(|a, b| a.0.cmp(&b.0));
    let set = call.kernel()?.layout().set_rects(&rects);
    set.map_err(|error| call.fail(error.message))?;
    call.none()
}

fn rect(call: &Call, window: &str, fields: &Table) -> mlua::Result<PartialRect> {
    let side = |name: &str| -> mlua::Result<Option<u16>> {
        match fields.raw_get::<Value>(name)? {
            Value::Nil => Ok(None),
            Value::Integer(cells) if (0..=i64::from(u16::MAX)).contains(&cells) => Ok(Some(cells as u16)),
            _ => {
                Err(call.refuse(0, format!("'{window}': field '{name}': a number of cells from 0 expected")))
            }
        }
    };
    Ok(PartialRect { x: side("x")?, y: side("y")?, width: side("width")?, height: side("height")? })
}

/// Reads a node and those in it; `room` is how many there may still be, since one table may stand in several places.
fn node(call: &Call, table: &Table, place: &str, depth: usize, room: &mut usize) -> mlua::Result<LayoutNode> {
    let wrong = |why: String| call.refuse(0, format!("{place}: {why}"));
    let refuse = |why: String| Err(wrong(why));
    if depth > MAX_DEPTH {
        let why = format!("the tree contains itself or is nested deeper than {MAX_DEPTH} levels");
        return Err(call.refuse(0, why));
    }
    if *room == 0 || table.raw_len() > *room {
        return Err(call.refuse(0, format!("at most {MAX_NODES} nodes expected")));
    }
    *room -= 1;
    let mut unknown = None;
    table.for_each::<Value, Value>(|key, _| {
        match &key {
            Value::String(name) if NODE.contains(&name.to_string_lossy().as_str()) => {}
            Value::String(name) => unknown = Some(name.to_string_lossy()),
            _ => {}
        }
        Ok(())
    })?;
    if let Some(name) = unknown {
        let near = purlin_kernel::nearest(&name, NODE.iter().copied());
        let hint = near.map(|near| format!(", did you mean '{near}'?")).unwrap_or_default();
        return refuse(format!("unknown field '{name}'{hint}"));
    }
    let mut found = LayoutNode { win: table.raw_get("win")?, ..LayoutNode::default() };
    match table.raw_get::<Option<String>>("dir")?.as_deref() {
        None | Some("col") => {}
        Some("row") => found.dir = Dir::Row,
        Some(other) => return refuse(format!("field 'dir': 'row' or 'col' expected, got '{other}'")),
    }
    if let Some(word) = table.raw_get::<Option<String>>("dock")? {
        let Some(side) = DockSide::parse(&word) else {
            return refuse(format!(
                "field 'dock': 'header', 'above', 'below' or 'footer' expected, got '{word}'"
            ));
        };
        found.dock = Some(side);
    }
    for (name, into) in [("grow", &mut found.grow), ("min", &mut found.min)] {
        *into = number(table, name).map_err(wrong)?.unwrap_or(0);
    }
    found.max = number(table, "max").map_err(wrong)?;
    match length(call, "size", &table.raw_get::<Value>("size")?)? {
        Some(Length::Cells(cells)) => found.size = Some(cells),
        Some(Length::Percent(share)) => found.percent = Some(share),
        Some(Length::Content) | None => {}
    }
    for index in 1..=table.raw_len() {
        match table.raw_get::<Value>(index)? {
            Value::Table(child) => {
                found.children.push(node(call, &child, &format!("{place}[{index}]"), depth + 1, room)?);
            }
            other => return refuse(format!("item {index}: a node expected, got {}", other.type_name())),
        }
    }
    if found.win.is_some() && !found.children.is_empty() {
        return refuse("a node has either 'win' or nodes in it".to_owned());
    }
    Ok(found)
}

fn number(table: &Table, name: &str) -> Result<Option<u16>, String> {
    match table.raw_get::<Value>(name) {
        Ok(Value::Nil) => Ok(None),
        Ok(Value::Integer(number)) if (0..=i64::from(u16::MAX)).contains(&number) => Ok(Some(number as u16)),
        _ => Err(format!("field '{name}': a number from 0 expected")),
    }
}
