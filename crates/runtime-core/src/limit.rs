//! The inline limit for outputs that come as a whole.

use std::rc::Rc;

use purlin_notebook::{Media, Representations};
use serde_json::Value;

use crate::artifacts::Artifacts;
use crate::excerpt::{Excerpt, INLINE_LIMIT};
use crate::text::{floor_boundary, visible_nul};

/// Brings representations under the inline limit: long text keeps head and tail, everything else becomes an artifact.
///
/// What cannot be kept as an artifact is replaced by a sentence that says so.
pub(crate) fn bounded(representations: Representations, artifacts: &Rc<dyn Artifacts>) -> Representations {
    if representations.values().all(is_small) {
        return representations;
    }
    representations
        .into_iter()
        .map(|(mime, media)| {
            let media = if is_small(&media) { media } else { shrink(&mime, media, artifacts) };
            (mime, media)
        })
        .collect()
}

/// Cuts text that stands in an event as a whole.
pub(crate) fn bounded_text(text: &str) -> String {
    if text.len() <= INLINE_LIMIT / 2 {
        return visible_nul(text).into_owned();
    }
    let cut = floor_boundary(text, INLINE_LIMIT / 2);
    format!("{}\n[{} bytes left out here.]", visible_nul(&text[..cut]), text.len() - cut)
}

fn is_small(media: &Media) -> bool {
    match media {
        Media::Inline { data: Value::String(text), .. } => text.len() <= INLINE_LIMIT,
        Media::Inline { data: Value::Array(_) | Value::Object(_), .. } => weight(media) <= INLINE_LIMIT,
        Media::Inline { .. } | Media::Artifact { .. } => true,
    }
}

fn weight(media: &Media) -> usize {
    match media {
        Media::Inline { data, .. } => data.to_string().len(),
        Media::Artifact { .. } => 0,
    }
}

fn shrink(mime: &str, media: Media, artifacts: &Rc<dyn Artifacts>) -> Media {
    let Media::Inline { data, metadata } = media else { return media };
    let bytes = match data {
        Value::String(text) if mime.starts_with("text/") => {
            let mut excerpt = Excerpt::new(artifacts.clone());
            let mut short = excerpt.push(&text).into_owned();
            short.push_str(&excerpt.finish().text);
            return Media::Inline { data: Value::String(short), metadata };
        }
        Value::String(text) => text.into_bytes(),
        other => other.to_string().into_bytes(),
    };
    match artifacts.put(&bytes) {
        Ok(artifact_id) => Media::Artifact { artifact_id, metadata },
        Err(why) => {
            let sentence = format!("[{} bytes of `{mime}` could not be kept: {why}]", bytes.len());
            Media::Inline { data: Value::String(sentence), metadata }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::rc::Rc;

    use purlin_notebook::Media;
    use serde_json::json;

    use super::{bounded, bounded_text};
    use crate::artifacts::{Artifacts, MemoryArtifacts, NoArtifacts};
    use crate::excerpt::INLINE_LIMIT;

    #[test]
    fn long_text_is_cut_and_long_json_becomes_an_artifact() {
        let place = MemoryArtifacts::new();
        let artifacts: Rc<dyn Artifacts> = Rc::new(place.clone());
        let long = "x".repeat(INLINE_LIMIT + 1);
        let small = Media::json(json!({"small": true}));
        let shown = bounded(
            BTreeMap::from([
                ("text/plain".to_owned(), Media::text(long.clone())),
                ("application/json".to_owned(), Media::json(json!({"long": long}))),
                ("text/html".to_owned(), small.clone()),
            ]),
            &artifacts,
        );
        let text = shown["text/plain"].as_text().unwrap();
        assert!(text.len() <= INLINE_LIMIT && text.contains("are kept as `artifact:"), "{}", text.len());
        let Media::Artifact { artifact_id, .. } = &shown["application/json"] else { panic!("{shown:?}") };
        assert_eq!(place.get(artifact_id).unwrap(), json!({"long": long}).to_string().as_bytes());
        assert_eq!(shown["text/html"], small);
    }

    #[test]
    fn what_cannot_be_kept_says_so() {
        let long = "x".repeat(INLINE_LIMIT + 1);
        let shown = bounded(
            BTreeMap::from([("image/png".to_owned(), Media::text(long))]),
            &(Rc::new(NoArtifacts) as Rc<dyn Artifacts>),
        );
        assert_eq!(
            shown["image/png"].as_text().unwrap(),
            "[65537 bytes of `image/png` could not be kept: This runtime has no place for artifacts.]"
        );
    }

    #[test]
    fn text_of_an_event_is_cut() {
        assert_eq!(bounded_text("a\0b"), "a\u{2400}b");
        assert!(bounded_text(&"é".repeat(INLINE_LIMIT)).ends_with("bytes left out here.]"));
    }
}
