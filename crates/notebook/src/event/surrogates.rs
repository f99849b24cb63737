//! Lone surrogates: JavaScript writes them as escapes that no UTF-8 text can hold.

use serde_json::Value;

use super::refuse::names_something;

/// What a lone surrogate becomes in text.
const REPLACEMENT: &str = "\\ufffd";

/// Rewrites lone surrogates in JSON text; `None` if there are none to rewrite.
fn mended(json: &str) -> Option<String> {
    let mut text = String::with_capacity(json.len());
    let (mut rest, mut changed) = (json, false);
    while let Some(at) = rest.find('\\') {
        let (before, escape) = rest.split_at(at);
        text.push_str(before);
        let lone = unit(escape).is_some_and(|high| {
            let low = escape.get(6..).and_then(unit);
            let pair =
                (0xd800..0xdc00).contains(&high) && low.is_some_and(|low| (0xdc00..0xe000).contains(&low));
            (0xd800..0xe000).contains(&high) && !pair
        });
        let length = match unit(escape) {
            Some(0xd800..0xe000) if !lone => 12,
            Some(_) => 6,
            // A backslash and what it stands before, which may be wider than a byte.
            None => 1 + escape[1..].chars().next().map_or(0, char::len_utf8),
        };
        text.push_str(if lone { REPLACEMENT } else { &escape[..length] });
        changed |= lone;
        rest = &escape[length..];
    }
    text.push_str(rest);
    changed.then_some(text)
}

/// Reads `\uXXXX` at the beginning of a text.
fn unit(escape: &str) -> Option<u16> {
    let digits = escape.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

/// Reads arguments that hold lone surrogates in text; `None` if that is not what is wrong with them, or if a name or an
/// id holds one.
pub(super) fn read(args: &str) -> Option<Value> {
    let value: Value = serde_json::from_str(&mended(args)?).ok()?;
    (!is_in_a_name(&value, "")).then_some(value)
}

fn is_in_a_name(value: &Value, field: &str) -> bool {
    match value {
        Value::String(text) => names_something(field) && text.contains('\u{fffd}'),
        Value::Array(items) => items.iter().any(|item| is_in_a_name(item, field)),
        Value::Object(map) => {
            map.iter().any(|(key, item)| key.contains('\u{fffd}') || is_in_a_name(item, key))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lone_surrogates_are_rewritten() {
        for (json, expected) in [
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""\udc00\ud83d x""#, Some(r#""\ufffd\ufffd x""#)),
            (r#""\ud83dA""#, Some(r#""\ufffdA""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d é \n""#, None),
            (r#""\ud83"#, None),
            ("\"\\é\\", None),
        ] {
            assert_eq!(mended(json).as_deref(), expected, "{json}");
        }
    }
}
