//! The models that a runtime offers, as its capabilities list them.

use purlin_notebook::Capabilities;
use serde_json::{Map, Value, json};

/// What a model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ModelAbility {
    /// It goes on with a text.
    Completion,
    /// It calls tools.
    Tools,
    /// It sees images.
    Vision,
    /// It tells its reasoning.
    Thinking,
}

impl ModelAbility {
    /// Returns the word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Completion => "completion",
            Self::Tools => "tools",
            Self::Vision => "vision",
            Self::Thinking => "thinking",
        }
    }
}

/// A model that a runtime offers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OfferedModel {
    /// Its name in requests.
    pub name: String,
    /// Its name for people.
    pub display_name: String,
    /// Who serves it.
    pub provider: String,
    /// What it can do.
    pub abilities: Vec<ModelAbility>,
    /// How many parameters it has, in words of its maker.
    pub parameter_size: Option<String>,
    /// The family it belongs to.
    pub model_type: Option<String>,
    /// How many tokens it can look at.
    pub context_length: Option<u64>,
    /// It is not served any more, and listed so that old cells can be read.
    pub decommissioned: bool,
}

impl OfferedModel {
    /// Writes the model as the base schema has it (where `decomissioned` has one `m`).
    pub fn to_value(&self) -> Value {
        let abilities: Vec<&str> = self.abilities.iter().map(|ability| ability.as_str()).collect();
        let mut value = json!({
            "name": self.name,
            "displayName": self.display_name,
            "provider": self.provider,
            "capabilities": abilities,
        });
        let facts = [
            ("parameterSize", self.parameter_size.clone().map(Value::from)),
            ("modelType", self.model_type.clone().map(Value::from)),
            ("contextLength", self.context_length.map(Value::from)),
        ];
        let facts: Map<String, Value> =
            facts.into_iter().filter_map(|(key, fact)| Some((key.to_owned(), fact?))).collect();
        if !facts.is_empty() {
            value["metadata"] = Value::Object(facts);
        }
        if self.decommissioned {
            value["decomissioned"] = Value::Bool(true);
        }
        value
    }
}

/// Makes capabilities of the models a runtime offers: with one that is still served it answers prompts.
#[must_use]
pub fn offering(capabilities: &Capabilities, models: &[OfferedModel]) -> Capabilities {
    Capabilities {
        can_execute_ai: capabilities.can_execute_ai || models.iter().any(|model| !model.decommissioned),
        available_ai_models: Some(models.iter().map(OfferedModel::to_value).collect()),
        ..capabilities.clone()
    }
}

#[cfg(test)]
mod tests {
    use purlin_notebook::Capabilities;
    use serde_json::json;

    use super::{ModelAbility, OfferedModel, offering};

    #[test]
    fn models_are_listed_as_the_base_schema_has_them() {
        let small = OfferedModel {
            name: "m:1b".to_owned(),
            display_name: "M".to_owned(),
            provider: "local".to_owned(),
            abilities: vec![ModelAbility::Completion, ModelAbility::Tools],
            parameter_size: Some("1b".to_owned()),
            context_length: Some(8192),
            ..OfferedModel::default()
        };
        let gone = OfferedModel { name: "old".to_owned(), decommissioned: true, ..OfferedModel::default() };
        assert!(!offering(&Capabilities::default(), std::slice::from_ref(&gone)).can_execute_ai);
        let offered = offering(&Capabilities::default(), &[small, gone]);
        assert!(offered.can_execute_ai && !offered.can_execute_code);
        assert_eq!(
            offered.available_ai_models,
            Some(json!([
                {"name": "m:1b", "displayName": "M", "provider": "local", "capabilities": ["completion", "tools"],
                 "metadata": {"parameterSize": "1b", "contextLength": 8192}},
                {"name": "old", "displayName": "", "provider": "", "capabilities": [], "decomissioned": true},
            ]))
        );
    }
}
