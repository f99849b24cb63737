//! What a handler shows, before it is committed.

use std::collections::BTreeMap;

use purlin_notebook::{Media, Representations};
use serde_json::{Map, Value};

use super::{is_json, is_text_based};

/// How deep JSON may be nested; readers of the log give up a little beyond it.
const DEEPEST: usize = 100;

/// Content by mime type, with facts about each.
///
/// ```
/// use purlin_runtime_core::MediaBundle;
/// use serde_json::json;
///
/// let bundle = MediaBundle::new()
///     .with("text/plain", "a chart")
///     .with("image/png", "iVBORw0KGgo=")
///     .with_metadata("image/png", json!({"width": 640}));
/// # let _ = bundle;
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MediaBundle(Representations);

impl MediaBundle {
    /// Makes a bundle without content.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds content of a mime type, in place of what it had of that type; `null` is none.
    #[must_use]
    pub fn with(mut self, mime: impl Into<String>, data: impl Into<Value>) -> Self {
        self.0.insert(mime.into(), Media::json(data.into()));
        self
    }

    /// Adds facts about the content of a mime type; what is no JSON object, or about content that is not there, is
    /// left out.
    #[must_use]
    pub fn with_metadata(mut self, mime: &str, facts: impl Into<Value>) -> Self {
        if let (Some(media), Value::Object(facts)) = (self.0.get_mut(mime), facts.into()) {
            add_metadata(media, facts);
        }
        self
    }

    /// Makes a bundle of data by mime type and of facts by mime type.
    pub fn from_data(
        data: impl IntoIterator<Item = (String, Value)>,
        metadata: impl IntoIterator<Item = (String, Value)>,
    ) -> Self {
        let bundle = Self(data.into_iter().map(|(mime, data)| (mime, Media::json(data))).collect());
        metadata.into_iter().fold(bundle, |bundle, (mime, facts)| bundle.with_metadata(&mime, facts))
    }

    /// Tells whether there is no content.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the containers.
    pub fn into_representations(self) -> Representations {
        self.0
    }
}

impl From<Representations> for MediaBundle {
    fn from(representations: Representations) -> Self {
        Self(representations)
    }
}

impl From<&str> for MediaBundle {
    fn from(text: &str) -> Self {
        Self::new().with("text/plain", text)
    }
}

impl From<BTreeMap<String, Value>> for MediaBundle {
    fn from(data: BTreeMap<String, Value>) -> Self {
        Self::from_data(data, [])
    }
}

/// Brings content into the form that its mime type asks for.
///
/// `null` is dropped. Text is a string: numbers and truth values are written out, lists and objects as JSON. JSON stays
/// as it is, and a string of it is parsed if that succeeds. Everything else is untouched, artifacts too. A mime type
/// that is empty or holds control characters is dropped with its content, because no store could name it.
#[must_use]
pub fn validate_media_bundle(bundle: MediaBundle) -> MediaBundle {
    let valid = bundle.0.into_iter().filter_map(|(mime, media)| {
        let named = !mime.trim().is_empty() && !mime.contains(char::is_control);
        let media = match media {
            Media::Inline { data, metadata } => Media::Inline { data: valid(&mime, data)?, metadata },
            artifact @ Media::Artifact { .. } => artifact,
        };
        named.then_some((mime, media))
    });
    MediaBundle(valid.collect())
}

fn valid(mime: &str, data: Value) -> Option<Value> {
    Some(match data {
        Value::Null => return None,
        Value::String(text) if is_json(mime) => match serde_json::from_str(&text) {
            Ok(parsed) if !is_deeper(&parsed, DEEPEST) => parsed,
            _ => Value::String(text),
        },
        Value::String(text) => Value::String(text),
        // Readers would take it for text; written as such nothing of it is lost.
        other if is_text_based(mime) || is_deeper(&other, DEEPEST) => Value::String(other.to_string()),
        other => other,
    })
}

fn is_deeper(value: &Value, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| is_deeper(item, levels)),
        Value::Object(map) => map.values().any(|item| is_deeper(item, levels)),
        _ => false,
    }
}

/// Puts facts into a container's metadata, beside what stands there.
pub(crate) fn add_metadata(media: &mut Media, facts: Map<String, Value>) {
    let (Media::Inline { metadata, .. } | Media::Artifact { metadata, .. }) = media;
    metadata.get_or_insert_default().extend(facts);
}

#[cfg(test)]
mod tests {
    use purlin_notebook::Media;
    use serde_json::{Value, json};

    use super::{MediaBundle, validate_media_bundle};

    fn validated(mime: &str, data: Value) -> Option<Value> {
        let bundle = validate_media_bundle(MediaBundle::new().with(mime, data));
        match bundle.into_representations().remove(mime)? {
            Media::Inline { data, .. } => Some(data),
            Media::Artifact { .. } => None,
        }
    }

    #[test]
    fn row_065_content_takes_the_form_of_its_type() {
        for (mime, data, expected) in [
            ("text/plain", Value::Null, None),
            ("application/json", Value::Null, None),
            ("text/plain", json!(123), Some(json!("123"))),
            ("text/plain", json!(true), Some(json!("true"))),
            ("text/html", json!(1.5), Some(json!("1.5"))),
            ("text/plain", json!(""), Some(json!(""))),
            ("text/plain", json!({"v": 42}), Some(json!("{\"v\":42}"))),
            ("image/svg+xml", json!(["<svg/>"]), Some(json!("[\"<svg/>\"]"))),
            ("application/json", json!("{\"v\":42}"), Some(json!({"v": 42}))),
            ("application/json", json!({"v": 42}), Some(json!({"v": 42}))),
            ("application/json", json!("{bad"), Some(json!("{bad"))),
            ("application/json", json!(7), Some(json!(7))),
            ("application/vnd.x+json", json!("[1]"), Some(json!([1]))),
            ("image/png", json!("iVBORw0KGgo="), Some(json!("iVBORw0KGgo="))),
            ("image/png", json!([1, 2]), Some(json!([1, 2]))),
            ("application/octet-stream", json!(5), Some(json!(5))),
            ("", json!("x"), None),
            ("text/pl\0ain", json!("x"), None),
        ] {
            assert_eq!(validated(mime, data.clone()), expected, "{mime} {data}");
        }
    }

    #[test]
    fn json_that_no_reader_could_parse_stays_text() {
        let deep = "[".repeat(5000) + &"]".repeat(5000);
        assert_eq!(validated("application/json", json!(deep)), Some(json!(deep)));
        let nested = (0..120).fold(json!(1), |inner, _| json!([inner]));
        let text = nested.to_string();
        assert_eq!(validated("application/json", nested), Some(json!(text)));
        assert_eq!(
            validated("application/json", json!("[".repeat(110) + &"]".repeat(110))).map(|v| v.is_string()),
            Some(true)
        );
    }

    #[test]
    fn facts_go_to_the_content_they_are_about() {
        let bundle = MediaBundle::from_data(
            [("text/plain".to_owned(), json!(1)), ("image/png".to_owned(), json!("x"))],
            [("image/png".to_owned(), json!({"width": 2})), ("text/html".to_owned(), json!({"lost": 1}))],
        )
        .with_metadata("text/plain", json!("no object"));
        let all = validate_media_bundle(bundle).into_representations();
        assert_eq!(all["image/png"].metadata().map(|facts| json!(facts)), Some(json!({"width": 2})));
        assert_eq!(all["text/plain"], Media::text("1"));
        assert_eq!(all.len(), 2);
    }

    #[cfg(not(target_family = "wasm"))]
    mod properties {
        use proptest::prelude::*;
        use serde_json::Value;

        use crate::media::{MediaBundle, is_text_based, validate_media_bundle};

        pub(super) fn json() -> impl Strategy<Value = Value> {
            let leaf = prop_oneof![
                Just(Value::Null),
                any::<bool>().prop_map(Value::from),
                any::<i64>().prop_map(Value::from),
                any::<f64>().prop_map(Value::from),
                ".{0,20}".prop_map(Value::from),
            ];
            leaf.prop_recursive(6, 40, 5, |inner| {
                prop_oneof![
                    proptest::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                    proptest::collection::btree_map(".{0,5}", inner, 0..5)
                        .prop_map(|map| Value::Object(map.into_iter().collect())),
                ]
            })
        }

        proptest! {
            #[test]
            fn whatever_comes_out_has_its_form_and_stays_so(
                data in proptest::collection::btree_map("[a-z+/.]{0,12}|text/.{0,3}|image/png|application/json", json(), 0..6),
            ) {
                let once = validate_media_bundle(MediaBundle::from(data));
                for (mime, media) in once.clone().into_representations() {
                    if is_text_based(&mime) {
                        prop_assert!(media.as_text().is_some(), "{mime}");
                    }
                }
                // A string inside a JSON string would be parsed by the second time; everything else stays.
                let again = validate_media_bundle(once.clone()).into_representations();
                for (mime, media) in once.into_representations() {
                    if !super::super::is_json(&mime) {
                        prop_assert_eq!(again.get(&mime), Some(&media));
                    }
                }
            }
        }
    }
}
