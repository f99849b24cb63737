//! Argument checks, made from the declarations.

use mlua::{MultiValue, Table, Value};

use super::declare::{ApiFn, Need, Opt, Param, Ty};
use purlin_kernel::nearest;

/// What a wrong argument is told: the text after `bad argument #n to 'name' `.
pub(crate) type Refusal = String;

/// Brings the arguments into the declared positions and checks each; the error is the whole
/// message without a place.
pub(crate) fn check(declared: &ApiFn, args: &mut MultiValue) -> Result<(), String> {
    let params = declared.params;
    let rest = params.last().is_some_and(|param| param.need == Need::Rest);
    let fixed = if rest { params.len() - 1 } else { params.len() };
    shift(&params[..fixed], args);
    for (index, param) in params[..fixed].iter().enumerate() {
        if index >= args.len() {
            args.push_back(Value::Nil);
        }
        if let Err(refusal) = check_param(param, &args[index]) {
            return Err(bad_argument(declared.name, index, &refusal));
        }
    }
    if !rest {
        args.truncate(fixed);
    }
    Ok(())
}

/// The message of a wrong argument; `index` is zero-based.
pub(crate) fn bad_argument(name: &str, index: usize, refusal: &str) -> String {
    format!("bad argument #{} to '{name}' ({refusal})", index + 1)
}

/// Inserts nil for each skippable argument that was left out.
fn shift(params: &[Param], args: &mut MultiValue) {
    for (index, param) in params.iter().enumerate() {
        if param.need != Need::Skippable {
            continue;
        }
        let needed_after = params[index + 1..].iter().filter(|param| param.need == Need::Required).count();
        let given_after = args.len().saturating_sub(index + 1);
        let fits = args.get(index).is_none_or(|value| value.is_nil() || is_of_kind(&param.ty, value));
        if given_after < needed_after || !fits {
            let at = index.min(args.len());
            args.insert(at, Value::Nil);
        }
    }
}

/// Whether a value may be meant for a type, right or wrong in detail.
fn is_of_kind(ty: &Ty, value: &Value) -> bool {
    match ty {
        Ty::Table | Ty::List | Ty::Options(_) => value.is_table(),
        Ty::String | Ty::Choice(_) => value.is_string(),
        Ty::Either(types) => types.iter().any(|ty| is_of_kind(ty, value)),
        ty => refuse(ty, value).is_none(),
    }
}

fn check_param(param: &Param, value: &Value) -> Result<(), Refusal> {
    if value.is_nil() && param.need != Need::Required {
        return Ok(());
    }
    refuse(&param.ty, value).map_or(Ok(()), Err)
}

/// Why a value is not of a type, or `None` if it is.
fn refuse(ty: &Ty, value: &Value) -> Option<Refusal> {
    let fits = match ty {
        Ty::Any => true,
        Ty::Value => !value.is_nil(),
        Ty::Boolean => matches!(value, Value::Boolean(_)),
        Ty::Integer => matches!(value, Value::Integer(_)),
        Ty::Number => matches!(value, Value::Integer(_) | Value::Number(_)),
        Ty::String => matches!(value, Value::String(_)),
        Ty::Text => matches!(value, Value::String(_) | Value::Integer(_) | Value::Number(_)),
        Ty::Function | Ty::AsyncFunction => matches!(value, Value::Function(_)),
        Ty::Table => matches!(value, Value::Table(_)),
        Ty::List => match value {
            Value::Table(table) if table.raw_len() > LONGEST_LIST => {
                return Some(format!("a list of at most {LONGEST_LIST} items expected"));
            }
            Value::Table(table) => is_list(table),
            _ => false,
        },
        Ty::Options(options) => {
            return match value {
                Value::Table(table) => refuse_options(options, table),
                other => Some(mismatch(ty, other)),
            };
        }
        Ty::Choice(words) => {
            return match value {
                Value::String(word) => refuse_word(words, &word.to_string_lossy()),
                other => Some(mismatch(ty, other)),
            };
        }
        Ty::Either(types) => return refuse_either(types, value),
    };
    (!fits).then(|| mismatch(ty, value))
}

/// With several types, the refusal of the one that comes closest is told: an options table with
/// an unknown key is answered with that key and not with a list of types.
fn refuse_either(types: &'static [Ty], value: &Value) -> Option<Refusal> {
    let mut closest = None;
    for ty in types {
        let refusal = refuse(ty, value)?;
        let is_close =
            matches!((ty, value), (Ty::Options(_), Value::Table(_)) | (Ty::Choice(_), Value::String(_)));
        if is_close {
            closest = Some(refusal);
        }
    }
    Some(closest.unwrap_or_else(|| mismatch(&Ty::Either(types), value)))
}

fn refuse_word(words: &[&'static str], given: &str) -> Option<Refusal> {
    if words.contains(&given) {
        return None;
    }
    let listed: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
    Some(format!("{} expected, got '{given}'", join_or(&listed)))
}

pub(super) fn refuse_options(options: &[Opt], table: &Table) -> Option<Refusal> {
    for option in options.iter().filter(|option| option.required) {
        let value = table.raw_get::<Value>(option.name).unwrap_or(Value::Nil);
        if value.is_nil() {
            return Some(format!("field '{}' is missing: {} expected", option.name, describe(&option.ty)));
        }
    }
    let mut refusal = None;
    let walked = table.for_each::<Value, Value>(|key, value| {
        refusal = refuse_field(options, &key, &value);
        go_on(refusal.is_none())
    });
    refusal.or_else(|| walked.err().map(|error| error.to_string()))
}

fn refuse_field(options: &[Opt], key: &Value, value: &Value) -> Option<Refusal> {
    let Value::String(name) = key else {
        return Some(format!(
            "a table with named fields expected, got {} as a name",
            with_article(key.type_name())
        ));
    };
    let name = name.to_string_lossy();
    let Some(option) = options.iter().find(|option| option.name == name) else {
        let names = options.iter().map(|option| option.name);
        return Some(match nearest(&name, names) {
            Some(near) => format!("unknown field '{name}', did you mean '{near}'?"),
            None => format!("unknown field '{name}'"),
        });
    };
    refuse(&option.ty, value).map(|refusal| format!("field '{name}': {refusal}"))
}

/// A longer list is refused; looking at it alone would take too long.
const LONGEST_LIST: usize = 1_000_000;

fn is_list(table: &Table) -> bool {
    let length = table.raw_len();
    let mut entries = 0;
    let walked = table.for_each::<Value, Value>(|_, _| {
        entries += 1;
        go_on(entries <= length)
    });
    walked.is_ok() && entries == length
}

/// Ends a walk over a table early.
fn go_on(further: bool) -> mlua::Result<()> {
    if further { Ok(()) } else { Err(mlua::Error::StackError) }
}

/// Whether a table has a key that is no number.
fn is_named(table: &Table) -> bool {
    let mut named = false;
    // It ends early where the answer is found; nothing else can fail.
    let _ = table.for_each::<Value, Value>(|key, _| {
        named = !key.is_number() && !key.is_integer();
        go_on(!named)
    });
    named
}

fn mismatch(ty: &Ty, value: &Value) -> Refusal {
    if let (Ty::Integer, Value::Number(number)) = (ty, value) {
        return format!("integer expected, got {number}");
    }
    if let (Ty::List, Value::Table(table)) = (ty, value) {
        let what = if is_named(table) { "a table with named fields" } else { "a list with holes" };
        return format!("list expected, got {what}");
    }
    format!("{} expected, got {}", describe(ty), type_name(value))
}

fn with_article(kind: &str) -> String {
    let article = if kind.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {kind}")
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Integer(_) => "number",
        Value::LightUserData(pointer) if pointer.0.is_null() => "null",
        other => other.type_name(),
    }
}

/// How a type is called in messages and in the reference.
pub fn describe(ty: &Ty) -> String {
    match ty {
        Ty::Any | Ty::Value => "value".into(),
        Ty::Boolean => "boolean".into(),
        Ty::Integer => "integer".into(),
        Ty::Number => "number".into(),
        Ty::String | Ty::Text | Ty::Choice(_) => "string".into(),
        Ty::Function | Ty::AsyncFunction => "function".into(),
        Ty::Table | Ty::Options(_) => "table".into(),
        Ty::List => "list".into(),
        Ty::Either(types) => {
            let names: Vec<String> = types.iter().map(describe).collect();
            join_or(&names)
        }
    }
}

fn join_or(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::declare::{Run, key, must, opt, req, rest, skip};
    use super::*;
    use mlua::Lua;

    const OPTIONS: &[Opt] = &[
        must("prompt", Ty::String, ""),
        key("priority", Ty::Integer, ""),
        key("side", Ty::Choice(&["left", "right"]), ""),
    ];

    fn declare(params: &'static [Param]) -> ApiFn {
        ApiFn {
            name: "t.f",
            params,
            returns: "",
            errors: &[],
            doc: "",
            example: "",
            run: Run::Now(|_| Ok(MultiValue::new())),
        }
    }

    fn checked(params: &'static [Param], source: &str) -> Result<String, String> {
        let lua = Lua::new();
        let mut args: MultiValue = lua.load(format!("return {source}")).eval().expect("eval");
        check(&declare(params), &mut args)?;
        let kinds: Vec<&str> = args.iter().map(Value::type_name).collect();
        Ok(kinds.join(" "))
    }

    #[test]
    fn a_wrong_argument_is_told_with_number_name_and_both_types() {
        const PARAMS: &[Param] = &[req("name", Ty::String, ""), req("pos", Ty::Integer, "")];
        let check = |source: &str, expected: &str| {
            assert_eq!(checked(PARAMS, source), Err(expected.to_owned()), "{source}");
        };
        check("'a'", "bad argument #2 to 't.f' (integer expected, got nil)");
        check("'a', 1.5", "bad argument #2 to 't.f' (integer expected, got 1.5)");
        check("1, 1", "bad argument #1 to 't.f' (string expected, got number)");
        check("", "bad argument #1 to 't.f' (string expected, got nil)");
    }

    #[test]
    fn an_unknown_option_names_the_nearest() {
        const PARAMS: &[Param] = &[req("opts", Ty::Options(OPTIONS), "")];
        let check = |source: &str, expected: &str| {
            let expected = format!("bad argument #1 to 't.f' ({expected})");
            assert_eq!(checked(PARAMS, source), Err(expected), "{source}");
        };
        check("{prompt='x', priorty=1}", "unknown field 'priorty', did you mean 'priority'?");
        check("{}", "field 'prompt' is missing: string expected");
        check("{prompt='x', priority='y'}", "field 'priority': integer expected, got string");
        check("{prompt='x', side='up'}", "field 'side': 'left' or 'right' expected, got 'up'");
        check("{'x', prompt='x'}", "a table with named fields expected, got an integer as a name");
    }

    #[test]
    fn what_is_no_list_is_told_apart() {
        const PARAMS: &[Param] = &[req("items", Ty::List, "")];
        assert_eq!(checked(PARAMS, "{1, 2}").as_deref(), Ok("table"));
        assert_eq!(checked(PARAMS, "{}").as_deref(), Ok("table"));
        let check = |source: &str, what: &str| {
            let expected = format!("bad argument #1 to 't.f' (list expected, got {what})");
            assert_eq!(checked(PARAMS, source), Err(expected), "{source}");
        };
        check("{1, nil, 3}", "a list with holes");
        check("{1, a = 2}", "a table with named fields");
    }

    #[test]
    fn a_skippable_argument_may_be_left_out() {
        const ON: &[Param] =
            &[req("name", Ty::String, ""), skip("opts", Ty::Table, ""), req("fn", Ty::Function, "")];
        assert_eq!(checked(ON, "'key', print").as_deref(), Ok("string nil function"));
        assert_eq!(checked(ON, "'key', {}, print").as_deref(), Ok("string table function"));
        assert_eq!(checked(ON, "'key', nil, print").as_deref(), Ok("string nil function"));
        assert!(checked(ON, "'key', {}").is_err());
        const LOG: &[Param] =
            &[skip("level", Ty::Choice(&["info", "warn"]), ""), req("message", Ty::Value, "")];
        assert_eq!(checked(LOG, "'hello'").as_deref(), Ok("nil string"));
        assert_eq!(checked(LOG, "'warn', 'hello'").as_deref(), Ok("string string"));
    }

    #[test]
    fn further_arguments_are_kept_only_where_declared() {
        const REST: &[Param] = &[req("fn", Ty::Function, ""), rest("args", "")];
        assert_eq!(checked(REST, "print, 1, 'x'").as_deref(), Ok("function integer string"));
        const ONE: &[Param] = &[opt("x", Ty::Any, "")];
        assert_eq!(checked(ONE, "1, 2, 3").as_deref(), Ok("integer"));
    }
}
