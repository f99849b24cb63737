//! `purlin.ui`: dialogs. Each answers a value, or nil and the reason.

pub(super) mod ask;
pub(super) mod chrome;
pub(super) mod draw;
pub(super) mod lists;
pub(super) mod text;

use std::rc::Rc;

use mlua::{Function, MultiValue, Table, Value};
use purlin_kernel::{
    ConfirmOptions, HandlerError, InputComplete, InputOptions, Reason, SelectAnswer, SelectItem,
    SelectOptions,
};

use super::call::Call;
use super::declare::{ApiFn, Opt, Run, Ty, Waiting, key, opt, req};
use crate::env::Env;
use crate::inspect::inspect;

const TIMEOUT: Opt = key("timeout_ms", Ty::Integer, "After how many milliseconds it ends with `timeout`.");

const SELECT: &[Opt] = &[
    key("prompt", Ty::String, "What is asked."),
    key("format", Ty::Function, "`fn(item)`, answering the text to show."),
    key(
        "multi",
        Ty::Boolean,
        "Whether several can be chosen; the answer is then a list of items and one of indices.",
    ),
    key("filter", Ty::Boolean, "Whether typing filters; true without it."),
    TIMEOUT,
];

const INPUT: &[Opt] = &[
    key("prompt", Ty::String, "What is asked."),
    key("placeholder", Ty::String, "Shown faintly while nothing is typed."),
    key("default", Ty::String, "What it holds at first."),
    key("secret", Ty::Boolean, "Whether dots are shown instead of the text."),
    key("multiline", Ty::Boolean, "Whether it may have several lines."),
    key("complete", Ty::Function, "`fn(text)`, answering a list of texts to choose from with tab."),
    TIMEOUT,
];

const REASONS: &str =
    "Answers `nil, reason` when nobody answered: `user`, `no_ui`, `busy`, `timeout`, `unload` or `shutdown`.";

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "ui.confirm",
        params: &[
            req("message", Ty::Text, "The question."),
            opt(
                "opts",
                Ty::Options(&[
                    key("default", Ty::Boolean, "What is chosen at first; false without it."),
                    TIMEOUT,
                ]),
                REASONS,
            ),
        ],
        returns: "boolean | nil, string",
        errors: &["The place cannot wait."],
        doc: "Asks yes or no.",
        example: "purlin.spawn(function()\n  if purlin.ui.confirm('Delete it?') then purlin.log('deleted') end\nend)",
        run: Run::Wait(confirm),
    },
    ApiFn {
        name: "ui.select",
        params: &[
            req("items", Ty::List, "Texts, or tables with `label` and `detail`, or anything with `format`."),
            opt("opts", Ty::Options(SELECT), REASONS),
        ],
        returns: "any, integer | nil, string",
        errors: &["The place cannot wait."],
        doc: "Lets an item be chosen; answers the item and its one-based index.",
        example: "purlin.spawn(function()\n  local item = purlin.ui.select({ 'red', 'green' }, { prompt = 'Which?' })\nend)",
        run: Run::Wait(select),
    },
    ApiFn {
        name: "ui.input",
        params: &[opt("opts", Ty::Either(&[Ty::String, Ty::Options(INPUT)]), "The prompt, or options.")],
        returns: "string | nil, string",
        errors: &["The place cannot wait."],
        doc: "Asks for a text.",
        example: "purlin.spawn(function()\n  local name = purlin.ui.input{ prompt = 'Your name' }\nend)",
        run: Run::Wait(input),
    },
];

fn confirm(call: Call) -> Waiting {
    Box::pin(async move {
        let options = call.options(1);
        let asked = ConfirmOptions {
            message: call.string(0)?,
            default: options.flag("default").unwrap_or(false),
            timeout_ms: options.count("timeout_ms")?,
        };
        let answer = call.kernel()?.ui().confirm(call.env.ext, asked);
        match answer.await {
            Ok(yes) => call.one(yes),
            Err(reason) => nobody(&call, reason),
        }
    })
}

fn select(call: Call) -> Waiting {
    Box::pin(async move {
        let Some(items) = call.opt_table(0) else { return call.nothing("user") };
        let options = call.options(1);
        let format = options.function("format");
        let mut shown = Vec::new();
        for index in 1..=items.raw_len() {
            let item: Value = items.raw_get(index)?;
            let found = match &format {
                Some(format) => SelectItem::from(label(&format.call::<Value>(&item)?)),
                None => select_item(&item),
            };
            call.spend(found.label.len() + found.detail.len())?;
            shown.push(found);
        }
        let multi = options.flag("multi").unwrap_or(false);
        let asked = SelectOptions {
            prompt: options.string("prompt").unwrap_or_default(),
            items: shown,
            multi,
            filter: options.flag("filter").unwrap_or(true),
            timeout_ms: options.count("timeout_ms")?,
        };
        let answer = call.kernel()?.ui().select(call.env.ext, asked);
        match answer.await {
            Ok(answer) => chosen(&call, &items, &answer, multi),
            Err(reason) => nobody(&call, reason),
        }
    })
}

fn chosen(call: &Call, items: &Table, answer: &SelectAnswer, multi: bool) -> mlua::Result<MultiValue> {
    if !multi {
        let index = answer.index().unwrap_or(0) + 1;
        return call.many((items.raw_get::<Value>(index)?, index));
    }
    let (values, indices) = (call.lua.create_table()?, call.lua.create_table()?);
    for index in &answer.chosen {
        values.raw_push(items.raw_get::<Value>(index + 1)?)?;
        indices.raw_push(index + 1)?;
    }
    call.many((values, indices))
}

fn label(value: &Value) -> String {
    match value {
        Value::String(text) => text.to_string_lossy(),
        other => inspect(other),
    }
}

fn select_item(item: &Value) -> SelectItem {
    let Value::Table(table) = item else { return label(item).into() };
    let field = |name: &str| table.get::<Option<String>>(name).ok().flatten();
    match field("label").or_else(|| field("name")) {
        Some(label) => SelectItem { label, detail: field("detail").unwrap_or_default() },
        None => label(item).into(),
    }
}

fn input(call: Call) -> Waiting {
    Box::pin(async move {
        let asked = if let Value::String(_) = call.value(0) {
            InputOptions { prompt: call.string(0)?, ..InputOptions::default() }
        } else {
            let options = call.options(0);
            InputOptions {
                prompt: options.string("prompt").unwrap_or_default(),
                placeholder: options.string("placeholder").unwrap_or_default(),
                default: options.string("default").unwrap_or_default(),
                secret: options.flag("secret").unwrap_or(false),
                multiline: options.flag("multiline").unwrap_or(false),
                complete: options.function("complete").map(|function| completion(&call.env, function)),
                timeout_ms: options.count("timeout_ms")?,
            }
        };
        let answer = call.kernel()?.ui().input(call.env.ext, asked);
        match answer.await {
            Ok(text) => call.one(text),
            Err(reason) => nobody(&call, reason),
        }
    })
}

/// Completes what is typed into a dialog with a function.
fn completion(env: &Rc<Env>, function: Function) -> InputComplete {
    let env = Rc::clone(env);
    InputComplete(Rc::new(move |text| {
        let answer: Value = env.call(&function, text)?;
        match answer {
            Value::Table(list) => super::string_list(&env.lua()?, &list).map_err(HandlerError::new),
            _ => Ok(Vec::new()),
        }
    }))
}

fn nobody(call: &Call, reason: Reason) -> mlua::Result<MultiValue> {
    call.nothing(reason.as_str())
}
