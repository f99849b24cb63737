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
