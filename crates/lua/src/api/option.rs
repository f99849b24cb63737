//! `purlin.option` and `purlin.config`: what people choose.

use mlua::MultiValue;
use purlin_kernel::{ConfigScope, OptionSpec, OptionType};
use serde_json::{Value as Json, json};

use super::call::Call;
use super::declare::{ApiFn, Opt, Param, Run, Ty, key, must, opt, req};
use crate::handle::LuaHandle;

const TYPES: &[&str] = &["string", "boolean", "integer", "number", "list", "table"];

const SPEC: &[Opt] = &[
    must("name", Ty::String, "Letters, digits and `_`."),
    key(
        "type",
        Ty::Choice(TYPES),
        "What its value may be; without it what the default is, and `string` without both.",
    ),
    key("default", Ty::Any, "The value nobody chose; nil without it."),
    key("choices", Ty::List, "The only values there are."),
    key("secret", Ty::Boolean, "Whether its value is shown nowhere, neither in lists nor in messages."),
    key("desc", Ty::String, "What it is for."),
];

const NAME: Param = req("name", Ty::String, "The option's name.");
const PATH: Param = req("path", Ty::String, "A dotted path, such as `ui.theme`.");

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "option.define",
        params: &[req("option", Ty::Options(SPEC), "")],
        returns: "Handle",
        errors: &["The default does not fit the type or the choices."],
        doc: "Declares an option. Its value is what was set at run time, else the variable `PURLIN_OPT_<EXT>_<NAME>`, else `extensions.options.<ext>.<name>` of the configuration, else the default.",
        example: "purlin.option.define{ name = 'width', type = 'integer', default = 40, desc = 'Columns of the panel.' }\nassert(purlin.option.get('width') == 40)",
        run: Run::Now(define),
    },
    ApiFn {
        name: "option.get",
        params: &[NAME],
        returns: "any",
        errors: &["No option of that name is defined; the error names the nearest."],
        doc: "Answers an option's value; a chosen value that does not fit is passed over with a warning.",
        example: "purlin.option.define{ name = 'mode', choices = { 'fast', 'slow' }, default = 'fast' }\nassert(purlin.option.get('mode') == 'fast')",
        run: Run::Now(|call| {
            let value = call.kernel()?.option().get(call.env.ext, &call.str(0)?);
            call.answer(&value.map_err(|error| call.fail(error.message))?)
        }),
    },
    ApiFn {
        name: "option.set",
        params: &[NAME, opt("value", Ty::Any, "Nil returns to what people chose.")],
        returns: "",
        errors: &["No option of that name is defined.", "The value does not fit."],
        doc: "Sets an option for the rest of the run.",
        example: "purlin.option.define{ name = 'loud', default = false }\npurlin.option.set('loud', true)\nassert(purlin.option.get('loud'))",
        run: Run::Now(|call| {
            let value = call.json(1)?;
            let set = call.kernel()?.option().set(call.env.ext, &call.str(0)?, value);
            set.map_err(|error| call.fail(error.message))?;
            call.none()
        }),
    },
    ApiFn {
        name: "option.list",
        params: &[],
        returns: "{ name: string, type: string, value: any, source: string, choices: any[], secret: boolean, desc: string, extension: string }[]",
        errors: &[],
        doc: "Lists the options of all extensions; `source` is `runtime`, `environment`, `configuration` or `default`. A secret one has no value here.",
        example: "for _, option in ipairs(purlin.option.list()) do purlin.log(option.extension .. '.' .. option.name) end",
        run: Run::Now(|call| {
            let listed = call.kernel()?.option().list().into_iter().map(|found| {
                json!({
                    "name": found.spec.name,
                    "type": found.spec.ty.name(),
                    "value": found.value,
                    "source": found.source.as_str(),
                    "choices": found.spec.choices,
                    "secret": found.spec.secret,
                    "desc": found.spec.desc,
                    "extension": found.extension,
                })
            });
            call.answer(&Json::Array(listed.collect()))
        }),
    },
    ApiFn {
        name: "config.get",
        params: &[PATH],
        returns: "any",
        errors: &["The configuration cannot be read."],
        doc: "Answers a setting as it is in force; a table for a path above settings, nil where nobody set one.",
        example: "local theme = purlin.config.get('ui.theme')",
        run: Run::Now(|call| {
            let value = call.kernel()?.config().get(&call.str(0)?);
            call.answer(&value.map_err(|error| call.fail(error.message))?.unwrap_or_default())
        }),
    },
    ApiFn {
        name: "config.set",
        params: &[
            PATH,
            opt("value", Ty::Any, "Nil takes the setting away."),
            opt("scope", Ty::Choice(&["user", "project"]), "Whose file is written; `user` without it."),
        ],
        returns: "",
        errors: &[
            "The path or the value is not one the setting takes.",
            "A project may not make this setting.",
            "The file cannot be written.",
        ],
        doc: "Writes a setting to the person's or the project's file; its comments stay. The hook `config_change` fires.",
        example: "purlin.config.set('ui.theme', 'light')\nassert(purlin.config.get('ui.theme') == 'light')",
        run: Run::Now(|call| {
            let value = call.json(1)?;
            let scope = match call.str(2).as_deref() {
                Ok("project") => ConfigScope::Project,
                _ => ConfigScope::User,
            };
            let set = call.kernel()?.config().set(&call.str(0)?, value, scope);
            set.map_err(|error| call.fail(error.message))?;
            call.none()
        }),
    },
];

/// The type of an option that is declared by its default alone.
fn type_of(default: &Json) -> OptionType {
    match default {
        Json::Bool(_) => OptionType::Boolean,
        Json::Number(number) if number.is_f64() => OptionType::Number,
        Json::Number(_) => OptionType::Integer,
        Json::Array(_) => OptionType::List,
        Json::Object(_) => OptionType::Table,
        Json::Null | Json::String(_) => OptionType::String,
    }
}

fn define(call: &Call) -> mlua::Result<MultiValue> {
    let options = call.options(0);
    let ty = options.string("type").and_then(|word| OptionType::from_name(&word));
    let choices = match options.json("choices")? {
        Json::Array(choices) => choices,
        _ => Vec::new(),
    };
    let default = options.json("default")?;
    let ty = ty.unwrap_or_else(|| type_of(&default));
    let default = match default {
        // An empty table is what the type says.
        Json::Object(map) if map.is_empty() && ty == OptionType::List => Json::Array(Vec::new()),
        default => default,
    };
    let spec = OptionSpec {
        name: options.string("name").unwrap_or_default(),
        ty,
        default,
        choices,
        secret: options.flag("secret").unwrap_or(false),
        desc: options.string("desc").unwrap_or_default(),
    };
    let handle = call.kernel()?.option().define(call.env.ext, spec);
    let handle = handle.map_err(|error| call.refuse(0, error.message))?;
    call.one(LuaHandle::new(&call.env, handle, "option"))
}
