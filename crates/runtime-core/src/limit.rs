//! The inline limit for outputs that come as a whole.

use std::rc::Rc;

use purlin_notebook::{Media, Representations};
use serde_json::Value;

use crate::artifacts::Artifacts;
use crate::excerpt::{INLINE_LIMIT, shorten};
use crate::media::image::decode;
use crate::media::is_text_based;
use crate::text::{floor_boundary, visible_nul};

/// How large an image may be, as text, to stay in the log where there is no place for artifacts.
const IMAGE_LIMIT: usize = 1024 * 1024;

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
    let text = match data {
        Value::String(text) if mime.starts_with("text/") => {
            return Media::Inline { data: Value::String(shorten(&text, artifacts)), metadata };
        }
        Value::String(text) => text,
        other => other.to_string(),
    };
    let is_image = mime.starts_with("image/") && !is_text_based(mime);
    // An artifact is read as what its type says, so an image is stored as one and not as the text that carries it.
    let bytes = if is_image { decode(&text) } else { None };
    match artifacts.put(bytes.as_deref().unwrap_or(text.as_bytes())) {
        Ok(artifact_id) => Media::Artifact { artifact_id, metadata },
        Err(_) if is_image && text.len() <= IMAGE_LIMIT => {
            Media::Inline { data: Value::String(text), metadata }
        }
        Err(why) => {
            let sentence = format!("[{} bytes of `{mime}` could not be kept: {why}]", text.len());
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
        let nowhere: Rc<dyn Artifacts> = Rc::new(NoArtifacts);
        let kept = |mime: &str, len: usize| {
            let all = BTreeMap::from([(mime.to_owned(), Media::text("x".repeat(len)))]);
            bounded(all, &nowhere)[mime].as_text().unwrap().to_owned()
        };
        assert_eq!(
            kept("application/pdf", INLINE_LIMIT + 1),
            "[65537 bytes of `application/pdf` could not be kept: This runtime has no place for artifacts.]"
        );
        assert_eq!(kept("image/png", super::IMAGE_LIMIT).len(), super::IMAGE_LIMIT);
        assert!(kept("image/png", super::IMAGE_LIMIT + 1).starts_with("[1048577 bytes of `image/png` could"));
    }

    #[test]
    fn an_image_that_becomes_an_artifact_is_stored_as_an_image() {
        let place = MemoryArtifacts::new();
        let all = BTreeMap::from([("image/jpeg".to_owned(), Media::text("AAAA".repeat(INLINE_LIMIT)))]);
        let shown = bounded(all, &(Rc::new(place.clone()) as Rc<dyn Artifacts>));
        let Media::Artifact { artifact_id, .. } = &shown["image/jpeg"] else { panic!("{shown:?}") };
        assert_eq!(place.get(artifact_id).unwrap(), vec![0; 3 * INLINE_LIMIT]);
    }

    #[test]
    fn text_of_an_event_is_cut() {
        assert_eq!(bounded_text("a\0b"), "a\u{2400}b");
        assert!(bounded_text(&"é".repeat(INLINE_LIMIT)).ends_with("bytes left out here.]"));
    }
}
