//! `purlin.keymap`: keys and sequences, in one trie with the built-in and the configured ones.

use std::rc::Rc;

use mlua::{Function, MultiValue, Table, Value};
use purlin_kernel::keymap::WhenFn;
use purlin_kernel::{
    Action, HandlerError, Key, KeyAnswer, KeyContext, KeymapListing, KeymapOptions, Layer, Target,
};
use serde_json::{Value as Json, json};

use super::call::Call;
use super::declare::{ApiFn, Opt, Run, Ty, key, opt, req};
use crate::env::Env;
use crate::fault;
use crate::handle::LuaHandle;

const OPTIONS: &[Opt] = &[
    key("priority", Ty::Integer, "Higher goes first among the maps of extensions; 0 without it."),
    key("desc", Ty::String, "What it does."),
    key(
        "mode",
        Ty::Either(&[Ty::String, Ty::List]),
        "Only while the focused buffer's variable `mode` has this value, or one of these.",
    ),
    key("nowait", Ty::Boolean, "Whether it fires at once though a longer sequence begins with it."),
    key("when", Ty::Function, "`fn()`, answering whether the map applies now."),
];

/// A list of targets has no lists in it, and a map no more targets than this.
const MAX_LISTS: usize = 1;
const MAX_TARGETS: usize = 256;

const TARGET: Ty = Ty::Either(&[Ty::String, Ty::Table]);
const TARGET_DOC: &str = "`\"global\"`, `{focus=}`, `{buffer=}`, `{window=}`, `{role=}`, `{scope=, name=}`, a list of them; any other string is a role.";

/// Bytes of keys that one call presses.
const MOST_FED: usize = 4096;

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "keymap.set",
        params: &[
            req("target", TARGET, TARGET_DOC),
            req(
                "lhs",
                Ty::String,
                "A key or a sequence, such as `ctrl+j`, `g g`, `<leader>f`, or `*` for any key.",
            ),
            req("rhs", Ty::Either(&[Ty::Function, Ty::String]), "`fn(ev)`, or a command with its arguments."),
            opt("opts", Ty::Options(OPTIONS), ""),
        ],
        returns: "Handle",
        errors: &["The keys are not understood.", "`ctrl+c` is mapped."],
        doc: "Maps keys. The function has dealt with the key unless it answers false, or `{ remap = key }`; with `*` it must answer true.",
        example: "purlin.keymap.set('global', '<leader>h', function() purlin.notify('hello') end, { desc = 'greet' })",
        run: Run::Now(set),
    },
    ApiFn {
        name: "keymap.del",
        params: &[req("target", TARGET, TARGET_DOC), req("lhs", Ty::String, "The keys as they were mapped.")],
        returns: "integer",
        errors: &["The keys are not understood."],
        doc: "Takes away the extension's own maps for these keys and this target; answers how many.",
        example: "purlin.keymap.set('global', 'f5', 'help')\nassert(purlin.keymap.del('global', 'f5') == 1)",
        run: Run::Now(|call| {
            let target = target(call, 0)?;
            let gone = call.kernel()?.keymap().del(call.env.ext, &target, &call.str(1)?);
            call.one(gone.map_err(|error| call.refuse(1, error.to_string()))?)
        }),
    },
    ApiFn {
        name: "keymap.list",
        params: &[opt("target", TARGET, TARGET_DOC)],
        returns: "{ lhs, target, command, desc, layer, priority, extension }[]",
        errors: &[],
        doc: "Lists the maps by sequence, then in the order in which they are tried.",
        example: "for _, map in ipairs(purlin.keymap.list()) do purlin.log(map.lhs) end",
        run: Run::Now(|call| {
            let wanted = if call.is_nil(0) { None } else { Some(target(call, 0)?) };
            let kernel = call.kernel()?;
            let listed: Vec<Json> = kernel
                .keymap()
                .list()
                .iter()
                .filter(|map| wanted.as_ref().is_none_or(|wanted| map.target == *wanted))
                .map(|map| listing(map, &kernel.ext().name(map.owner)))
                .collect();
            call.answer(&Json::Array(listed))
        }),
    },
    ApiFn {
        name: "keymap.feed",
        params: &[req("keys", Ty::String, "A key or a sequence.")],
        returns: "",
        errors: &["The keys are not understood, or longer than 4096 bytes."],
        doc: "Presses keys as if they had been typed.",
        example: "purlin.keymap.feed('f1')",
        run: Run::Now(|call| {
            // Each key runs whatever is mapped to it, within this one call.
            if call.str(0)?.len() > MOST_FED {
                return Err(call.refuse(0, format!("at most {MOST_FED} bytes of keys are pressed at once")));
            }
            call.kernel()?.keymap().feed(&call.str(0)?).map_err(|error| call.refuse(0, error.to_string()))?;
            call.none()
        }),
    },
];

fn listing(map: &KeymapListing, extension: &str) -> Json {
    let command = match &map.action {
        Action::Command(command) => Json::String(command.clone()),
        Action::Callback(_) => Json::Null,
    };
    json!({
        "lhs": map.lhs,
        "target": target_json(&map.target),
        "command": command,
        "desc": map.desc,
        "layer": match map.layer {
            Layer::Builtin => "builtin",
            Layer::Extension => "extension",
            Layer::User => "user",
        },
        "priority": map.priority,
        "extension": extension,
    })
}

fn target_json(target: &Target) -> Json {
    match target {
        Target::Global => json!("global"),
        Target::Focus(name) => json!({ "focus": name }),
        Target::Buffer(name) => json!({ "buffer": name }),
        Target::Window(name) => json!({ "window": name }),
        Target::Role(name) => json!({ "role": name }),
        Target::AnyOf(targets) => Json::Array(targets.iter().map(target_json).collect()),
    }
}

fn target(call: &Call, index: usize) -> mlua::Result<Target> {
    parse_target(call.value(index), 0).map_err(|why| call.refuse(index, why))
}

/// Reads a target as authors write it; `depth` counts the lists around it.
fn parse_target(value: &Value, depth: usize) -> Result<Target, String> {
    match value {
        Value::String(word) => Ok(match word.to_string_lossy().as_str() {
            "global" => Target::Global,
            role => Target::Role(role.to_owned()),
        }),
        Value::Table(table) if table.raw_len() > 0 => {
            if depth >= MAX_LISTS {
                return Err("a list of targets expected, without further lists in it".to_owned());
            }
            if table.raw_len() > MAX_TARGETS {
                return Err(format!("at most {MAX_TARGETS} targets expected"));
            }
            let mut targets = Vec::new();
            for index in 1..=table.raw_len() {
                let item: Value = table.raw_get(index).map_err(|error| error.to_string())?;
                targets.push(parse_target(&item, depth + 1)?);
            }
            Ok(Target::AnyOf(targets))
        }
        Value::Table(table) => parse_target_fields(table),
        other => Err(format!("a target expected, got {}", other.type_name())),
    }
}

fn parse_target_fields(table: &Table) -> Result<Target, String> {
    let field = |name: &str| table.get::<Option<String>>(name).ok().flatten();
    if let Some(scope) = field("scope") {
        let name = field("name").unwrap_or_default();
        return match scope.as_str() {
            "global" => Ok(Target::Global),
            "focus" => Ok(Target::Focus(name)),
            "buffer" => Ok(Target::Buffer(name)),
            "window" => Ok(Target::Window(name)),
            "role" => Ok(Target::Role(name)),
            other => {
                Err(format!("scope 'global', 'focus', 'buffer', 'window' or 'role' expected, got '{other}'"))
            }
        };
    }
    field("focus")
        .map(Target::Focus)
        .or_else(|| field("buffer").map(Target::Buffer))
        .or_else(|| field("window").map(Target::Window))
        .or_else(|| field("role").map(Target::Role))
        .ok_or_else(|| "a table with 'focus', 'buffer', 'window' or 'role' expected".to_owned())
}

fn set(call: &Call) -> mlua::Result<MultiValue> {
    let (target, lhs) = (target(call, 0)?, call.string(1)?);
    let action = match call.value(2) {
        Value::Function(function) => callback(&call.env, function.clone(), lhs.trim() == "*"),
        _ => Action::command(call.string(2)?.trim_start_matches('/')),
    };
    let options = call.options(3);
    let options = KeymapOptions {
        priority: options.int("priority").unwrap_or(0) as i32,
        desc: options.string("desc").unwrap_or_default(),
        when: condition(call, options.function("when"), &options.value("mode"))?,
        nowait: options.flag("nowait").unwrap_or(false),
        layer: Layer::Extension,
        place: call.place(),
        ..KeymapOptions::default()
    };
    let handle = call
        .kernel()?
        .keymap()
        .set(call.env.ext, target, &lhs, action, options)
        .map_err(|error| call.refuse(1, error.to_string()))?;
    call.one(LuaHandle::new(&call.env, handle, "keymap"))
}

/// `when` and `mode` as one condition.
fn condition(call: &Call, when: Option<Function>, mode: &Value) -> mlua::Result<Option<WhenFn>> {
    let modes = match mode {
        Value::String(mode) => vec![mode.to_string_lossy()],
        Value::Table(list) => super::string_list(&call.lua, list)
            .map_err(|why| call.refuse(3, format!("field 'mode': {why}")))?,
        _ => Vec::new(),
    };
    if when.is_none() && modes.is_empty() {
        return Ok(None);
    }
    let env = Rc::clone(&call.env);
    Ok(Some(Rc::new(move || {
        let mode = || env.kernel().and_then(|kernel| kernel.mode());
        let in_mode = modes.is_empty() || mode().is_some_and(|mode| modes.contains(&mode));
        in_mode && when.as_ref().is_none_or(|when| holds(&env, when))
    })))
}

/// Asks a condition; one that fails is recorded and does not hold.
fn holds(env: &Env, when: &Function) -> bool {
    let Some(kernel) = env.kernel() else { return false };
    let asked =
        kernel.guard().stretch(env.ext, purlin_kernel::DeadlineClass::Key, "keymap condition", || {
            env.call::<Value>(when, ())
        });
    asked.is_ok_and(|answer| !matches!(answer, Value::Nil | Value::Boolean(false)))
}

fn callback(env: &Rc<Env>, function: Function, is_wildcard: bool) -> Action {
    let env = Rc::clone(env);
    Action::callback(move |context| {
        let lua = env.lua()?;
        let event = event(&lua, context).map_err(|error| fault::handler_error(&error))?;
        env.take_key_consumed();
        let answer: Value = env.call(&function, event)?;
        let consumed = env.take_key_consumed();
        match answered(&answer, is_wildcard)? {
            KeyAnswer::Pass if consumed => Ok(KeyAnswer::Consumed),
            answer => Ok(answer),
        }
    })
}

/// What a key handler is called with: the key, what it types, its modifiers, where it was pressed.
fn event(lua: &mlua::Lua, context: &KeyContext) -> mlua::Result<Table> {
    let key = context.event.key;
    let table = lua.create_table_with_capacity(0, 9)?;
    table.raw_set("key", key.code.name())?;
    table.raw_set("text", context.event.text())?;
    table.raw_set("ctrl", key.mods.ctrl)?;
    table.raw_set("alt", key.mods.alt)?;
    table.raw_set("shift", key.mods.shift)?;
    table.raw_set("meta", key.mods.meta)?;
    let keys: Vec<String> = context.keys.iter().map(ToString::to_string).collect();
    table.raw_set("keys", keys.join(" "))?;
    table.raw_set("window", context.window.as_deref())?;
    table.raw_set("buffer", context.buffer.as_deref())?;
    Ok(table)
}

fn answered(answer: &Value, is_wildcard: bool) -> Result<KeyAnswer, HandlerError> {
    match answer {
        Value::Nil if is_wildcard => Ok(KeyAnswer::Pass),
        Value::Boolean(false) => Ok(KeyAnswer::Pass),
        Value::Table(table) => {
            if let Ok(Some(keys)) = table.get::<Option<String>>("remap") {
                let keys = Key::parse(&keys).map_err(|error| HandlerError::new(error.to_string()))?;
                return Ok(KeyAnswer::Remap(keys));
            }
            let mut passes = is_wildcard;
            for name in ["consume", "consumed", "handled"] {
                if let Ok(Some(flag)) = table.get::<Option<bool>>(name) {
                    passes = !flag;
                }
            }
            Ok(if passes { KeyAnswer::Pass } else { KeyAnswer::Consumed })
        }
        _ => Ok(KeyAnswer::Consumed),
    }
}
