//! What a long output left out of the log, and where the whole of it is kept: read from the notice that stands in its
//! place, which whoever shortened the text has put there.

use serde_json::{Value, json};

/// What references to artifacts begin with.
const SCHEME: &str = "artifact:";
/// What stands in a notice behind what was left out.
const LEFT_OUT: &str = " left out";

/// Finds the artifacts that hold what a text leaves out: for each its reference, and how much is left out.
pub(super) fn left_out(text: &str) -> Vec<Value> {
    let mut found: Vec<Value> = Vec::new();
    for (at, _) in text.match_indices("`artifact:") {
        let begin = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let Some(reference) = reference(&text[at + 1..]) else { continue };
        let Some((much, _)) = text[begin..at].strip_prefix('[').and_then(|line| line.split_once(LEFT_OUT))
        else {
            continue;
        };
        let entry = json!({"reference": reference, "left_out": much.trim_start_matches(['…', ' '])});
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found
}

/// The reference that a text begins with.
fn reference(text: &str) -> Option<&str> {
    let hash = text.strip_prefix(SCHEME)?.bytes().take_while(u8::is_ascii_hexdigit).count();
    (hash > 0).then(|| &text[..SCHEME.len() + hash])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_of_what_was_left_out_are_read_and_other_words_are_not() {
        let text = "a\n[525.1 KiB left out here. All 575.1 KiB are kept as `artifact:3fa2`.]\nb `artifact:11`\n\
                    [… 12 of 34 bytes left out; the whole is in `artifact:77` …]\n[see `artifact:88`]";
        assert_eq!(
            left_out(text),
            [
                json!({"reference": "artifact:3fa2", "left_out": "525.1 KiB"}),
                json!({"reference": "artifact:77", "left_out": "12 of 34 bytes"}),
            ]
        );
        assert_eq!(left_out("`artifact:é` [ left out `artifact:"), Vec::<Value>::new());
    }
}
