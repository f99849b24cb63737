//! References to artifacts, in the text of events and drafts.

/// What references begin with.
pub(super) const SCHEME: &str = "artifact:";
/// How many hexadecimal digits follow.
pub(super) const DIGITS: usize = 64;

/// Returns the hash that a reference names; `None` if it is none of ours.
pub(super) fn hash(reference: &str) -> Option<&str> {
    let hash = reference.strip_prefix(SCHEME)?;
    is_hash(hash).then_some(hash)
}

/// Tells whether a text can be the name of an artifact's file.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Finds the references in a text, whatever stands around them: nothing that is referred to in any form is swept.
pub fn references(text: &str) -> impl Iterator<Item = String> + '_ {
    text.match_indices(SCHEME).filter_map(|(place, _)| {
        let reference = text.get(place..place + SCHEME.len() + DIGITS)?;
        hash(reference).map(|_| reference.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_wherever_they_stand() {
        let (a, b) = (format!("{SCHEME}{}", "a1".repeat(32)), format!("{SCHEME}{}", "0f".repeat(32)));
        let text = format!("{{\"x\":\"{a}\",\"y\":[\"see {b}, and artifact:short é {SCHEME}{a}\"]}}");
        assert_eq!(references(&text).collect::<Vec<_>>(), [a.clone(), b, a]);
        assert_eq!(references("artifact:é").count(), 0);
        assert_eq!(references(&format!("{SCHEME}{}", "A1".repeat(32))).count(), 0);
    }
}
