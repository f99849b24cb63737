//! Filters of handlers: which events they let through, and what is wrong with one that lets none through.

use serde_json::Value;

use super::nearest::nearest;
use super::{Field, HookDecl, HookEvent, Object, Ty, Values};
use crate::key::{Key, KeyCode};

/// A longer value is not repeated in a complaint. In bytes.
const LONGEST: usize = 40;

/// Tells whether an event has, in every field that the filter names, the value or one of the values it wants.
pub(super) fn passes(filter: &Object, event: &HookEvent) -> bool {
    filter.iter().all(|(field, wanted)| {
        let value = event.get(field).unwrap_or(Value::Null);
        match wanted {
            Value::Array(options) => options.contains(&value),
            wanted => *wanted == value,
        }
    })
}

/// Answers what can never come true in a filter: fields and values that no event of the hook has.
pub(super) fn complaints(decl: &HookDecl, filter: &Object) -> Vec<String> {
    if decl.payload.is_empty() {
        return Vec::new();
    }
    let mut found = Vec::new();
    for (name, wanted) in filter {
        let Some(field) = decl.payload.iter().find(|field| field.name == name) else {
            let known = nearest(name, decl.payload.iter().map(|field| field.name));
            let name = crate::text::head(name, LONGEST);
            found.push(format!("the filter names no field: `{name}`{}", meant(known)));
            continue;
        };
        // A table without anything in it may be a list or not.
        let empty =
            wanted.as_array().is_some_and(Vec::is_empty) || wanted.as_object().is_some_and(Object::is_empty);
        match wanted {
            _ if empty && !matches!(field.ty, Ty::List | Ty::Map | Ty::Any) => {
                found.push(format!("the filter's `{name}` lets nothing through: its list is empty"));
            }
            Value::Array(options) => found.extend(options.iter().filter_map(|value| never(field, value))),
            value => found.extend(never(field, value)),
        }
    }
    found
}

/// Says why a field never has this value, if it cannot have it.
fn never(field: &Field, value: &Value) -> Option<String> {
    let Field { name, ty, values, .. } = field;
    if !ty.accepts(value) {
        let value = value.to_string();
        let value = crate::text::head(&value, LONGEST);
        return Some(format!("the filter's `{name}` is never `{value}`: it is of the type {}", ty.name()));
    }
    let text = value.as_str()?;
    let hint = match values {
        Values::Open => return None,
        Values::Of(known) if known.contains(&text) => return None,
        Values::Of(known) => match nearest(text, known.iter().copied().filter(|known| !known.is_empty())) {
            Some(known) => meant(Some(known)),
            None => format!("; it is {}", super::decl::listed(known)),
        },
        Values::Keys => match spelling(text) {
            Some((key, _)) if key == text => return None,
            Some((key, held)) if held.is_empty() => meant(Some(&key)),
            Some((key, held)) => format!("; that is `key = \"{key}\"` with {held}"),
            None => {
                let near = nearest(text, KeyCode::names()).and_then(spelling).map(|(key, _)| key);
                meant(near.as_deref())
            }
        },
    };
    let text = crate::text::head(text, LONGEST);
    Some(format!("the filter's `{name}` is never `{text}`{hint}"))
}

/// How an event spells the key that is meant, and which of its fields say what is held with it.
fn spelling(text: &str) -> Option<(String, String)> {
    if let Some(code) = KeyCode::from_name(text) {
        return Some((code.name(), String::new()));
    }
    let key = Key::parse_single(text).ok()?;
    let mods = [
        (key.mods.ctrl, "`ctrl = true`"),
        (key.mods.alt, "`alt = true`"),
        (key.mods.shift, "`shift = true`"),
        (key.mods.meta, "`meta = true`"),
    ];
    let held: Vec<&str> = mods.into_iter().filter(|(held, _)| *held).map(|(_, field)| field).collect();
    Some((key.code.name(), held.join(" and ")))
}

fn meant(known: Option<&str>) -> String {
    known.map(|known| format!("; did you mean `{known}`?")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::guard::DeadlineClass;
    use crate::hooks::terminal;

    fn said(decl: &HookDecl, filter: Value) -> Vec<String> {
        let Value::Object(filter) = filter else { panic!("a filter is a table") };
        complaints(decl, &filter)
    }

    fn declared(name: &str) -> &'static HookDecl {
        terminal::ALL.iter().find(|decl| decl.name == name).expect("a hook of the terminal")
    }

    #[test]
    fn a_value_that_a_closed_field_never_has_is_told_with_the_nearest() {
        let mouse = declared("mouse");
        assert!(said(mouse, json!({"kind": ["press", "wheel"], "button": ""})).is_empty());
        assert_eq!(
            said(mouse, json!({"kind": ["press", "whel"]})),
            ["the filter's `kind` is never `whel`; did you mean `wheel`?"]
        );
        assert_eq!(
            said(mouse, json!({"kind": "hovering"})),
            ["the filter's `kind` is never `hovering`; it is `press`, `release`, `drag`, `move` or `wheel`"]
        );
        assert!(said(mouse, json!({"window": "anything"})).is_empty());
    }

    #[test]
    fn a_key_is_filtered_by_the_name_that_events_carry() {
        let key = declared("key");
        assert!(said(key, json!({"key": ["a", "é", "enter", "f12", "space", "+"]})).is_empty());
        for (wanted, hint) in [
            ("retrun", "; did you mean `enter`?"),
            ("esc", "; did you mean `escape`?"),
            (" ", "; did you mean `space`?"),
            ("Enter", "; did you mean `enter`?"),
            ("ctrl+s", "; that is `key = \"s\"` with `ctrl = true`"),
            ("f99", ""),
        ] {
            let right = format!("the filter's `key` is never `{wanted}`{hint}");
            assert_eq!(said(key, json!({"key": wanted})), [right]);
        }
    }

    #[test]
    fn a_filter_that_lets_nothing_through_is_told() {
        let key = declared("key");
        let long = "x".repeat(4_000);
        assert_eq!(
            said(key, json!({"ctrl": "yes"})),
            ["the filter's `ctrl` is never `\"yes\"`: it is of the type boolean"]
        );
        for empty in [json!([]), json!({})] {
            let right = "the filter's `key` lets nothing through: its list is empty";
            assert_eq!(said(key, json!({"key": empty})), [right]);
        }
        assert_eq!(said(key, json!({"kye": "x"})), ["the filter names no field: `kye`; did you mean `key`?"]);
        assert!(said(key, json!({"key": long}))[0].len() < 100);
        let bare = HookDecl::sync("bare", DeadlineClass::Main);
        assert!(said(&bare, json!({"anything": 1})).is_empty());
    }
}
