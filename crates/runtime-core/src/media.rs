//! Content in several representations: which mime types there are, and what becomes of a bundle before it is committed.

mod bundle;
pub(crate) mod image;

pub use bundle::{MediaBundle, validate_media_bundle};

/// How many bytes an image may have, decoded, to stay in the log, unless the options say otherwise.
pub const IMAGE_ARTIFACT_THRESHOLD: u64 = 6144;

/// Text for people.
const TEXT: &[&str] = &["text/plain", "text/html", "text/markdown", "text/latex"];
/// Data and programs.
const APPLICATION: &[&str] = &["application/json", "application/javascript"];
/// Images.
const IMAGE: &[&str] = &["image/png", "image/jpeg", "image/svg+xml", "image/gif"];
/// What Jupyter's libraries put out.
const JUPYTER: &[&str] = &[
    "application/vnd.jupyter.widget-state+json",
    "application/vnd.jupyter.widget-view+json",
    "application/vnd.plotly.v1+json",
    "application/vnd.dataresource+json",
    "application/vnd.vegalite.v2+json",
    "application/vnd.vegalite.v3+json",
    "application/vnd.vegalite.v4+json",
    "application/vnd.vegalite.v5+json",
    "application/vnd.vegalite.v6+json",
    "application/vnd.vega.v3+json",
    "application/vnd.vega.v4+json",
    "application/vnd.vega.v5+json",
    "application/geo+json",
    "application/vdom.v1+json",
];

/// Tells whether a mime type is one of the four kinds of text for people.
pub fn is_text(mime: &str) -> bool {
    TEXT.contains(&mime)
}

/// Tells whether a mime type is JSON or JavaScript, as such.
pub fn is_application(mime: &str) -> bool {
    APPLICATION.contains(&mime)
}

/// Tells whether a mime type is an image that readers show.
pub fn is_image(mime: &str) -> bool {
    IMAGE.contains(&mime)
}

/// Tells whether a mime type is one of Jupyter's: widgets, plots, tables, maps.
pub fn is_jupyter(mime: &str) -> bool {
    JUPYTER.contains(&mime)
}

/// Tells whether content of a mime type is JSON: `application/json`, and whatever ends in `+json`.
pub fn is_json(mime: &str) -> bool {
    mime == "application/json" || mime.ends_with("+json")
}

/// Tells whether content of a mime type is text: `text/*`, JavaScript and SVG.
pub fn is_text_based(mime: &str) -> bool {
    mime.starts_with("text/") || mime == "application/javascript" || mime == "image/svg+xml"
}

/// Tells whether a mime type is one that readers know by name; `application/x+json` is JSON and not known.
pub fn is_known(mime: &str) -> bool {
    is_text(mime) || is_application(mime) || is_image(mime) || is_jupyter(mime)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_066_the_guards_tell_text_json_and_images_apart() {
        let facts = |mime| {
            [is_text(mime), is_application(mime), is_image(mime), is_jupyter(mime), is_json(mime)]
                .map(u8::from)
                .into_iter()
                .chain([u8::from(is_text_based(mime)), u8::from(is_known(mime))])
                .collect::<Vec<_>>()
        };
        assert_eq!(facts("text/plain"), [1, 0, 0, 0, 0, 1, 1]);
        assert_eq!(facts("text/csv"), [0, 0, 0, 0, 0, 1, 0]);
        assert_eq!(facts("image/svg+xml"), [0, 0, 1, 0, 0, 1, 1]);
        assert_eq!(facts("image/png"), [0, 0, 1, 0, 0, 0, 1]);
        assert_eq!(facts("application/json"), [0, 1, 0, 0, 1, 0, 1]);
        assert_eq!(facts("application/javascript"), [0, 1, 0, 0, 0, 1, 1]);
        assert_eq!(facts("application/vnd.plotly.v1+json"), [0, 0, 0, 1, 1, 0, 1]);
        assert_eq!(facts("application/x+json"), [0, 0, 0, 0, 1, 0, 0]);
        for mime in ["", "+json ", "TEXT/PLAIN", "text", "application/octet-stream", "json"] {
            assert_eq!(facts(mime), [0; 7], "{mime}");
        }
    }
}
