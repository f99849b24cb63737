//! Images: small ones stay in the log, large ones become artifacts.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use purlin_notebook::{Media, Representations, time};
use serde_json::{Map, Value, json};

use super::is_image;
use crate::artifacts::Artifacts;
use crate::host::WallMs;

/// The mime type that is measured; the others stay as they are.
pub(crate) const PNG: &str = "image/png";
/// The eight bytes that every PNG begins with.
pub(crate) const PNG_SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// Reads base64 as browsers do: without padding too, and whatever the last bits are.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Tells whether bytes begin as a PNG does.
pub fn is_png(bytes: &[u8]) -> bool {
    bytes.starts_with(&PNG_SIGNATURE)
}

/// Decodes base64 with white space in it; `None` for anything else, data URLs too.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if !text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        return BASE64.decode(text).ok();
    }
    let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64.decode(dense).ok()
}

/// Finds the image that is too large for the log, with its bytes.
pub(crate) fn large(representations: &Representations, threshold: u64) -> Option<Vec<u8>> {
    let text = representations.get(PNG)?.as_text()?;
    // Four characters hold three bytes at most: what cannot be too large need not be decoded.
    if (text.len() / 4 * 3 + 3) as u64 <= threshold {
        return None;
    }
    decode(text).filter(|bytes| bytes.len() as u64 > threshold)
}

/// Puts an artifact in the place of the image it was made of.
pub(crate) fn replace(
    representations: &mut Representations,
    mime: &str,
    id: String,
    size: usize,
    at: WallMs,
) {
    let Some(Media::Inline { metadata, .. } | Media::Artifact { metadata, .. }) =
        representations.get_mut(mime)
    else {
        return;
    };
    let mut metadata = metadata.take().unwrap_or_default();
    metadata.insert("originalSizeBytes".to_owned(), Value::from(size));
    metadata.insert("uploadedAt".to_owned(), Value::from(time::iso(at)));
    representations.insert(mime.to_owned(), Media::Artifact { artifact_id: id, metadata: Some(metadata) });
}

/// Adds text for readers that show no images, where there is none.
pub(crate) fn describe(representations: &mut Representations, artifacts: &dyn Artifacts) {
    let found = representations.iter().find_map(|(mime, media)| match media {
        Media::Artifact { artifact_id, .. } if is_image(mime) => Some((mime.clone(), artifact_id.clone())),
        _ => None,
    });
    let Some((mime, id)) = found else { return };
    let url = artifacts.url(&id);
    let name = format!("Artifact_{}{}", sanitised(&id), sanitised(&mime));
    for (kind, text) in
        [("text/plain", format!("{mime} artifact: {url}")), ("text/markdown", format!("![{name}]({url})"))]
    {
        representations.entry(kind.to_owned()).or_insert_with(|| Media::Inline {
            data: Value::from(text),
            metadata: Some(Map::from_iter([("generatedFor".to_owned(), json!(mime))])),
        });
    }
}

fn sanitised(text: &str) -> String {
    text.chars().map(|char| if char.is_ascii_alphanumeric() { char } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use purlin_notebook::Media;

    use super::{decode, large};

    #[test]
    fn base64_is_read_as_browsers_do() {
        for (text, bytes) in [
            ("aGVsbG8=", Some(&b"hello"[..])),
            ("aGVsbG8", Some(b"hello")),
            ("aGVs\nbG8=\n", Some(b"hello")),
            ("aGVsbG9=", Some(b"hello")),
            ("", Some(b"")),
            ("data:image/png;base64,aGVsbG8=", None),
            ("aGVsbG8=aGVsbG8=", None),
            ("日本", None),
        ] {
            assert_eq!(decode(text).as_deref(), bytes, "{text:?}");
        }
    }

    #[test]
    fn the_measure_is_the_decoded_size() {
        let with = |bytes: usize| {
            let text = base64::Engine::encode(&super::BASE64, vec![7; bytes]);
            large(&BTreeMap::from([("image/png".to_owned(), Media::text(text))]), 6144).map(|b| b.len())
        };
        assert_eq!([with(0), with(6143), with(6144), with(6145)], [None, None, None, Some(6145)]);
    }
}
