//! Arguments against a tool's schema, with a text the model can act on.

use serde_json::Value;

use super::ToolSpec;

/// Errors that are listed at most.
const LISTED: usize = 8;

/// Parses the JSON text of a call's arguments; an empty text is an empty object.
pub(crate) fn parse(name: &str, text: &str) -> Result<Value, String> {
    let text = if text.trim().is_empty() { "{}" } else { text };
    serde_json::from_str(text).map_err(|error| {
        format!("the arguments of `{name}` are not valid JSON: {error}. Call it again with a JSON object")
    })
}

/// Checks that a schema is one, and is the schema of an object; the error says where and why it is not.
pub fn check_schema(schema: &Value) -> Result<(), String> {
    if !schema.is_object() {
        return Err("a table with names expected".to_owned());
    }
    if let Err(error) = jsonschema::meta::validate(schema) {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() { String::new() } else { format!(" at `{place}`") };
        return Err(format!("{error}{place}"));
    }
    // What the meta schema cannot tell, such as a pattern that is none or a reference that leads nowhere.
    jsonschema::validator_for(schema).map_err(|error| error.to_string())?;
    match schema.get("type") {
        None => Ok(()),
        Some(ty) if ty == "object" => Ok(()),
        Some(other) => Err(format!("arguments are an object, so its type is \"object\" and not {other}")),
    }
}

/// Checks arguments against the schema of a tool; the error names each place and what is wrong there.
pub fn validate(spec: &ToolSpec, args: &Value) -> Result<(), String> {
    if !args.is_object() {
        return Err(format!(
            "the arguments of `{}` have to be a JSON object. Its schema is {}",
            spec.name, spec.schema
        ));
    }
    let validator = jsonschema::validator_for(&spec.schema)
        .map_err(|error| format!("the schema of `{}` is not valid: {error}", spec.name))?;
    let mut wrong: Vec<String> = Vec::new();
    for error in validator.iter_errors(args).take(LISTED) {
        let place = error.instance_path().to_string();
        wrong.push(if place.is_empty() { error.to_string() } else { format!("`{place}`: {error}") });
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!(
        "the arguments of `{}` are not valid: {}. Its schema is {}",
        spec.name,
        wrong.join("; "),
        spec.schema
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::ToolKind;
    use serde_json::json;

    #[test]
    fn a_schema_is_checked_as_a_schema() {
        let table = [
            (json!({"type": "object"}), None),
            (json!({}), None),
            (json!({"type": "nonsense"}), Some("/type")),
            (json!({"properties": {"a": {"type": 3}}}), Some("/properties/a")),
            (json!({"properties": {"a": {"pattern": "("}}}), Some("regex")),
            (json!({"required": "a"}), Some("/required")),
            (json!({"type": "array"}), Some("arguments are an object")),
            (json!([]), Some("a table with names")),
        ];
        for (schema, expected) in table {
            let found = check_schema(&schema);
            match expected {
                None => assert_eq!(found, Ok(()), "{schema}"),
                Some(part) => {
                    let error = found.expect_err(&schema.to_string());
                    assert!(error.contains(part), "{schema}: {error}");
                }
            }
        }
    }

    #[test]
    fn errors_name_the_place_and_show_the_schema() {
        let schema = json!({"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["b"]});
        let spec = ToolSpec::new("t", "", schema, ToolKind::Other);
        let error = validate(&spec, &json!({"a": "x"})).expect_err("invalid");
        assert!(error.contains("`/a`: \"x\" is not of type \"integer\""), "{error}");
        assert!(error.contains("\"b\" is a required property"), "{error}");
        assert!(error.contains("Its schema is {"), "{error}");
        assert_eq!(validate(&spec, &json!({"b": 1})), Ok(()));
        assert!(parse("t", "{\"a\":").expect_err("cut").contains("not valid JSON"));
    }
}
