//! `purlin.ui`: overlays, pickers, and dialogs of an extension's own make.

use std::rc::Rc;

use mlua::{AnyUserData, Function, Lua, MultiValue, Table, UserData, UserDataMethods, Value};
use purlin_kernel::{
    Anchor, DialogAnswer, DialogAsk, DialogKind, DialogRequest, Ground, HandlerError, OverlayBody,
    OverlayOptions, PickItem, PickerFeed, PickerOptions, PickerSource, ProvideFn, Reason, SelectItem,
};
use serde_json::json;

use super::super::call::Call;
use super::super::declare::{ApiFn, Opt, Run, Ty, Waiting, key, req};
use super::text::MAX_MARKDOWN;
use super::{REASONS, TIMEOUT, label, nobody};
use crate::env::{Env, spend};
use crate::fault;
use crate::handle::LuaHandle;
use crate::spans::{self, Reader};

const LOOK: &[Opt] = &[
    key("border_color", Ty::String, "Colour of the border; the theme's accent without it."),
    key("background", Ty::String, "Colour behind it."),
];

const OVERLAY: &[Opt] = &[
    key("title", Ty::Text, "What stands on its border."),
    key("text", Ty::Either(&[Ty::Text, Ty::List]), "What it shows: a text, lines or span lists."),
    key("markdown", Ty::Text, "What it shows, as Markdown."),
    key("style", Ty::Options(LOOK), "Its colours."),
    key("width", Ty::Integer, "Columns; 60 % of the screen without it, at least 30."),
    key(
        "max_height",
        Ty::Integer,
        "Rows at most; 80 % of the screen without it, at least 8. What is longer scrolls.",
    ),
    key("anchor", Ty::String, "`center` (without it), `top-center` or `bottom-center`."),
    key("actions", Ty::List, "What can be chosen."),
    TIMEOUT,
];

const PICKER: &[Opt] = &[
    key("prompt", Ty::Text, "What is asked."),
    key("items", Ty::List, "Texts, or tables with `label` and `detail`, or anything with `format`."),
    key(
        "source",
        Ty::AsyncFunction,
        "`fn(query, feed)`, which may wait: answers further items, or gives them to `feed:add(items)` and `feed:set(items)`.",
    ),
    key(
        "live",
        Ty::Boolean,
        "Whether the source is asked again for each text that is typed, and does the filtering.",
    ),
    key("format", Ty::Function, "`fn(item)`, answering the text to show."),
    key("multi", Ty::Boolean, "Whether several can be picked; the answer is then a list."),
    key("filter", Ty::Boolean, "Whether typing filters; true without it."),
    TIMEOUT,
];

const KINDS: &[&str] = &["select", "input", "confirm", "picker"];

pub(crate) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "ui.overlay",
        params: &[req("overlay", Ty::Options(OVERLAY), REASONS)],
        returns: "{ action: string, index: integer, cancelled: boolean } | nil, string",
        errors: &["The place cannot wait.", "A colour is not known.", "The Markdown is larger than 256 KiB."],
        doc: "Shows something over the screen, which goes on living behind it, until it is left. `index` is zero-based, -1 without a chosen action.",
        example: "purlin.spawn(function()\n  local answer = purlin.ui.overlay{ title = 'News', markdown = '**Hello**', actions = { 'Fine', 'More' } }\nend)",
        run: Run::Wait(overlay),
    },
    ApiFn {
        name: "ui.picker",
        params: &[req("picker", Ty::Options(PICKER), REASONS)],
        returns: "any | nil, string",
        errors: &["The place cannot wait."],
        doc: "Lets an item be picked from a list that may still grow; answers the item, with `multi` a list of items.",
        example: "purlin.spawn(function()\n  local path = purlin.ui.picker{ prompt = 'File', source = function(query, feed)\n    feed:add({ 'a.lua', 'b.lua' })\n  end }\nend)",
        run: Run::Wait(picker),
    },
    ApiFn {
        name: "ui.provide",
        params: &[
            req("kind", Ty::Choice(KINDS), "`select`, `input`, `confirm` or `picker`."),
            req(
                "fn",
                Ty::AsyncFunction,
                "`fn(request)`, which may wait: answers a boolean for `confirm`, a text for `input`, the one-based index of an item or a list of such for the others; or nil and the reason.",
            ),
        ],
        returns: "Handle",
        errors: &[],
        doc: "Asks all questions of a kind, of everyone else, until the handle is deleted; the newest counts. `request` has `kind`, `extension` and what was asked. One that fails is recorded, and the built-in dialog asks.",
        example: "local mine = purlin.ui.provide('confirm', function(request) return request.message == 'Sure?' end)\nmine:del()",
        run: Run::Now(provide),
    },
];

fn overlay(call: Call) -> Waiting {
    Box::pin(async move {
        let options = call.options(0);
        let kernel = call.kernel()?;
        let body = match (options.string("markdown"), options.value("text")) {
            (Some(markdown), _) if markdown.len() > MAX_MARKDOWN => {
                let most = MAX_MARKDOWN / 1024;
                return Err(call.refuse(0, format!("field 'markdown': at most {most} KiB of text expected")));
            }
            (Some(markdown), _) => OverlayBody::Markdown(markdown),
            (None, Value::Nil) => OverlayBody::default(),
            (None, text) => {
                let lines = Reader::new(&kernel).lines(&text);
                OverlayBody::Lines(lines.map_err(|why| call.refuse(0, format!("field 'text': {why}")))?)
            }
        };
        let color = |name: &str, ground| -> mlua::Result<_> {
            let Some(style) = options.table("style") else { return Ok(None) };
            let Some(text) = style.raw_get::<Option<String>>(name)? else { return Ok(None) };
            spans::color(&kernel, &text, ground)
                .map(Some)
                .map_err(|why| call.refuse(0, format!("field 'style': field '{name}': {why}")))
        };
        let cells = |name: &str| -> mlua::Result<Option<u16>> {
            Ok(options.count(name)?.map(|cells| cells.min(u64::from(u16::MAX)) as u16))
        };
        let asked = OverlayOptions {
            title: options.string("title").unwrap_or_default(),
            body,
            border_color: color("border_color", Ground::Fg)?,
            background: color("background", Ground::Bg)?,
            width: cells("width")?,
            max_height: cells("max_height")?,
            anchor: options.string("anchor").and_then(|word| Anchor::parse(&word)),
            whole_width: false,
            at_end: false,
            actions: options.strings("actions")?,
            timeout_ms: options.count("timeout_ms")?,
        };
        let showing = kernel.ui().overlay(call.env.ext, asked);
        // Whoever waits must not keep the kernel alive.
        drop(kernel);
        match showing.await {
            Ok(answer) => call.answer(&json!({
                "action": answer.action, "index": answer.index, "cancelled": answer.cancelled,
            })),
            Err(reason) => nobody(&call, reason),
        }
    })
}

/// The items of a picker as the extension gave them, in the order in which they came.
#[derive(Clone)]
struct Items {
    given: Table,
    format: Option<Function>,
}

impl Items {
    /// Items as the kernel shows them; each knows its place among the given ones.
    fn take(&self, lua: &Lua, list: &Table) -> mlua::Result<Vec<PickItem>> {
        let mut shown = Vec::new();
        for index in 1..=list.raw_len() {
            let item: Value = list.raw_get(index)?;
            let found = match &self.format {
                Some(format) => SelectItem::from(label(&format.call::<Value>(&item)?)),
                None => super::select_item(&item),
            };
            self.given.raw_push(item)?;
            spend(lua, found.label.len() + found.detail.len()).map_err(|why| fault::raise(lua, &why))?;
            shown.push(PickItem {
                label: found.label,
                detail: found.detail,
                data: json!(self.given.raw_len()),
            });
        }
        Ok(shown)
    }
}

/// What a source is given to hand items to.
struct Feed {
    feed: PickerFeed,
    items: Items,
}

impl UserData for Feed {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_method("add", |lua, this, list: Table| Ok(this.feed.add(this.items.take(lua, &list)?)));
        methods.add_method("set", |lua, this, list: Table| Ok(this.feed.set(this.items.take(lua, &list)?)));
        methods.add_method("is_wanted", |_, this, ()| Ok(this.feed.is_wanted()));
    }
}

fn picker(call: Call) -> Waiting {
    Box::pin(async move {
        let options = call.options(0);
        let items = Items { given: call.lua.create_table()?, format: options.function("format") };
        let first = match options.table("items") {
            Some(list) => items.take(&call.lua, &list)?,
            None => Vec::new(),
        };
        let multi = options.flag("multi").unwrap_or(false);
        let asked = PickerOptions {
            prompt: options.string("prompt").unwrap_or_default(),
            items: first,
            source: options.function("source").map(|function| source(&call.env, function, &items)),
            live: options.flag("live").unwrap_or(false),
            multi,
            no_filter: !options.flag("filter").unwrap_or(true),
            timeout_ms: options.count("timeout_ms")?,
        };
        let picking = call.kernel()?.ui().picker(call.env.ext, asked);
        let picked = match picking.await {
            Ok(picked) => picked,
            Err(reason) => return nobody(&call, reason),
        };
        let item = |found: &PickItem| -> mlua::Result<Value> {
            match found.data.as_u64() {
                Some(place) => items.given.raw_get(place),
                None => Ok(Value::String(call.lua.create_string(&found.label)?)),
            }
        };
        if !multi {
            return match picked.first() {
                Some(found) => call.one(item(found)?),
                None => call.nothing("user"),
            };
        }
        let list = call.lua.create_table()?;
        for found in &picked {
            list.raw_push(item(found)?)?;
        }
        call.one(list)
    })
}

fn source(env: &Rc<Env>, function: Function, items: &Items) -> PickerSource {
    let (env, items) = (Rc::clone(env), items.clone());
    PickerSource(Rc::new(move |query, feed| {
        let (env, function, items) = (Rc::clone(&env), function.clone(), items.clone());
        Box::pin(async move {
            let handed: AnyUserData = {
                let lua = env.lua()?;
                let handed = Feed { feed: feed.clone(), items: items.clone() };
                lua.create_userdata(handed).map_err(|error| fault::handler_error(&error))?
            };
            let answer: Value = env.call_waiting(function, (query, handed)).await?;
            if let Value::Table(list) = answer {
                let taken = items.take(&env.lua()?, &list);
                feed.add(taken.map_err(|error| fault::handler_error(&error))?);
            }
            Ok(())
        })
    }))
}

fn provide(call: &Call) -> mlua::Result<MultiValue> {
    let (word, function) = (call.string(0)?, call.function(1)?);
    // The check has seen that it is one of the kinds.
    let kind = DialogKind::parse(&word).unwrap_or(DialogKind::Confirm);
    let env = Rc::clone(&call.env);
    let run: ProvideFn = Rc::new(move |ask| {
        let (env, function) = (Rc::clone(&env), function.clone());
        Box::pin(async move {
            let request = {
                let lua = env.lua()?;
                request(&lua, &ask).map_err(|error| fault::handler_error(&error))?
            };
            let values: MultiValue = env.call_waiting(function, request).await?;
            answer(&ask.request, &values)
        })
    });
    let handle = call.kernel()?.ui().provide(call.env.ext, kind, run);
    call.one(LuaHandle::new(&call.env, handle, "dialog provider"))
}

/// What a provider is called with.
fn request(lua: &Lua, ask: &DialogAsk) -> mlua::Result<Table> {
    let table = lua.create_table()?;
    table.raw_set("extension", ask.extension.as_str())?;
    let mut items: Vec<(&str, &str)> = Vec::new();
    match &ask.request {
        DialogRequest::Confirm(options) => {
            table.raw_set("kind", "confirm")?;
            table.raw_set("message", options.message.as_str())?;
            table.raw_set("default", options.default)?;
        }
        DialogRequest::Input(options) => {
            table.raw_set("kind", "input")?;
            table.raw_set("prompt", options.prompt.as_str())?;
            table.raw_set("placeholder", options.placeholder.as_str())?;
            table.raw_set("default", options.default.as_str())?;
            table.raw_set("secret", options.secret)?;
            table.raw_set("multiline", options.multiline)?;
        }
        DialogRequest::Select(options) => {
            table.raw_set("kind", "select")?;
            table.raw_set("prompt", options.prompt.as_str())?;
            table.raw_set("multi", options.multi)?;
            items.extend(options.items.iter().map(|item| (item.label.as_str(), item.detail.as_str())));
        }
        DialogRequest::Picker(options) => {
            table.raw_set("kind", "picker")?;
            table.raw_set("prompt", options.prompt.as_str())?;
            table.raw_set("multi", options.multi)?;
            items.extend(options.items.iter().map(|item| (item.label.as_str(), item.detail.as_str())));
        }
    }
    if matches!(ask.request, DialogRequest::Select(_) | DialogRequest::Picker(_)) {
        let list = lua.create_table_with_capacity(items.len(), 0)?;
        for (label, detail) in items {
            let item = lua.create_table_with_capacity(0, 2)?;
            item.raw_set("label", label)?;
            item.raw_set("detail", detail)?;
            list.raw_push(item)?;
        }
        table.raw_set("items", list)?;
    }
    Ok(table)
}

/// What a provider answered; an error if it is not of the kind that was asked.
fn answer(
    request: &DialogRequest,
    values: &MultiValue,
) -> Result<Result<DialogAnswer, Reason>, HandlerError> {
    let first = values.front().unwrap_or(&Value::Nil);
    if first.is_nil() {
        let reason = match values.get(1).and_then(Value::as_string).map(mlua::LuaString::to_string_lossy) {
            Some(word) if word == "timeout" => Reason::Timeout,
            Some(word) if word == "no_ui" => Reason::NoUi,
            Some(word) if word == "busy" => Reason::Busy,
            _ => Reason::User,
        };
        return Ok(Err(reason));
    }
    let wrong = |expected: &str| {
        HandlerError::new(format!("a dialog provider must answer {expected}, got {}", first.type_name()))
    };
    match request {
        DialogRequest::Confirm(_) => match first {
            Value::Boolean(yes) => Ok(Ok(DialogAnswer::Confirm(*yes))),
            _ => Err(wrong("a boolean")),
        },
        DialogRequest::Input(_) => match first {
            Value::String(text) => Ok(Ok(DialogAnswer::Input(text.to_string_lossy()))),
            _ => Err(wrong("a text")),
        },
        DialogRequest::Select(options) => {
            let places = places(first, options.items.len()).ok_or_else(|| wrong("an index of the items"))?;
            Ok(Ok(DialogAnswer::Select(places)))
        }
        DialogRequest::Picker(options) => {
            let places = places(first, options.items.len()).ok_or_else(|| wrong("an index of the items"))?;
            let picked = places.into_iter().filter_map(|place| options.items.get(place).cloned());
            Ok(Ok(DialogAnswer::Picked(picked.collect())))
        }
    }
}

/// One-based indices of items, as zero-based ones.
fn places(value: &Value, count: usize) -> Option<Vec<usize>> {
    let place = |index: i64| usize::try_from(index - 1).ok().filter(|place| *place < count);
    match value {
        Value::Integer(index) => place(*index).map(|place| vec![place]),
        Value::Table(list) => {
            let mut places = Vec::with_capacity(list.raw_len());
            for at in 1..=list.raw_len() {
                places.push(place(list.raw_get::<i64>(at).ok()?)?);
            }
            Some(places)
        }
        _ => None,
    }
}
