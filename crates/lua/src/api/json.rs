//! `purlin.json`: text to values and back.

use super::declare::{ApiFn, Run, Ty, key, opt, req};
use crate::convert;

/// Decoded values take many times the room of their text, outside the interpreter's limit.
const MAX_TEXT: usize = 16 * 1024 * 1024;

pub(super) const FNS: &[ApiFn] = &[
    ApiFn {
        name: "json.encode",
        params: &[
            req("value", Ty::Any, "What to encode; named fields come out sorted."),
            opt(
                "opts",
                Ty::Options(&[key(
                    "indent",
                    Ty::Boolean,
                    "Whether to spread it over several lines; false without it.",
                )]),
                "",
            ),
        ],
        returns: "string",
        errors: &[
            "The value holds something JSON has no form for, such as a function or a string that is not valid UTF-8; the error names its place.",
        ],
        doc: "Encodes a value as JSON.",
        example: "assert(purlin.json.encode({ a = { 1, 2 } }) == '{\"a\":[1,2]}')",
        run: Run::Now(|call| {
            let json = call.json(0)?;
            let indent = call.options(1).flag("indent").unwrap_or(false);
            let text =
                if indent { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) };
            call.one(text.map_err(|error| call.fail(error.to_string()))?)
        }),
    },
    ApiFn {
        name: "json.decode",
        params: &[req("text", Ty::String, "JSON text.")],
        returns: "any",
        errors: &["The text is no JSON; the error names line and column.", "The text is larger than 16 MiB."],
        doc: "Decodes JSON text; null becomes `purlin.null`.",
        example: "assert(purlin.json.decode('{\"a\":[1]}').a[1] == 1)",
        run: Run::Now(|call| {
            let text = call.text(0)?;
            if text.len() > MAX_TEXT {
                return Err(
                    call.refuse(0, format!("at most {} MiB of JSON expected", MAX_TEXT / 1024 / 1024))
                );
            }
            let json: serde_json::Value =
                serde_json::from_str(&text).map_err(|error| call.refuse(0, error.to_string()))?;
            call.one(convert::to_lua(&call.lua, &json)?)
        }),
    },
];
