//! Text from bytes that arrive in pieces.

use std::borrow::Cow;

/// Decodes UTF-8 that arrives in pieces: a sequence cut by the end of a piece is held back until the rest is there.
///
/// Invalid bytes become U+FFFD and are remembered by [`saw_invalid`](Self::saw_invalid); NUL becomes U+2400, because
/// stores truncate text at a NUL.
#[derive(Clone, Debug, Default)]
pub struct Utf8Decoder {
    carry: Vec<u8>,
    invalid: bool,
}

impl Utf8Decoder {
    /// Makes a decoder at the beginning of a text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells whether any bytes so far were not UTF-8.
    pub fn saw_invalid(&self) -> bool {
        self.invalid
    }

    /// Decodes the next piece; allocates nothing when it is clean text.
    pub fn decode<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        if !self.carry.is_empty() {
            let mut joined = std::mem::take(&mut self.carry);
            joined.extend_from_slice(bytes);
            return Cow::Owned(self.decode_whole(&joined).into_owned());
        }
        self.decode_whole(bytes)
    }

    /// Ends the text: what is still held back is invalid.
    pub fn finish(&mut self) -> &'static str {
        if self.carry.is_empty() {
            return "";
        }
        self.carry.clear();
        self.invalid = true;
        "\u{FFFD}"
    }

    fn decode_whole<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, str> {
        match std::str::from_utf8(bytes) {
            Ok(text) => visible_nul(text),
            Err(error) if error.error_len().is_none() => {
                let (text, rest) = bytes.split_at(error.valid_up_to());
                self.carry.extend_from_slice(rest);
                self.decode_whole(text)
            }
            Err(_) => Cow::Owned(self.replace_invalid(bytes)),
        }
    }

    fn replace_invalid(&mut self, bytes: &[u8]) -> String {
        let mut text = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            text.push_str(&visible_nul(chunk.valid()));
            if chunk.invalid().is_empty() {
                continue;
            }
            let last = chunks.peek().is_none();
            if last && std::str::from_utf8(chunk.invalid()).is_err_and(|error| error.error_len().is_none()) {
                self.carry.extend_from_slice(chunk.invalid());
            } else {
                self.invalid = true;
                text.push('\u{FFFD}');
            }
        }
        text
    }
}

/// Replaces NUL, which stores cannot hold in text, by its visible sign.
pub(crate) fn visible_nul(text: &str) -> Cow<'_, str> {
    if text.as_bytes().contains(&0) {
        Cow::Owned(text.replace('\0', "\u{2400}"))
    } else {
        Cow::Borrowed(text)
    }
}

/// Returns the greatest char boundary that is not after `at`.
pub(crate) fn floor_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Returns the smallest char boundary that is not before `at`.
pub(crate) fn ceil_boundary(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::Utf8Decoder;

    fn decode(pieces: &[&[u8]]) -> (String, bool) {
        let mut decoder = Utf8Decoder::new();
        let mut text = String::new();
        for piece in pieces {
            text.push_str(&decoder.decode(piece));
        }
        text.push_str(decoder.finish());
        (text, decoder.saw_invalid())
    }

    #[test]
    fn every_split_of_a_text_decodes_to_the_text() {
        let text = "aé€😀\0z";
        for at in 0..=text.len() {
            let (left, right) = text.as_bytes().split_at(at);
            assert_eq!(decode(&[left, right]), ("aé€😀\u{2400}z".to_owned(), false), "split at {at}");
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(decode(&bytes).0, "aé€😀\u{2400}z");
    }

    #[test]
    fn invalid_bytes_become_replacement_characters_and_are_remembered() {
        assert_eq!(decode(&[b"a\xffb"]), ("a\u{FFFD}b".to_owned(), true));
        assert_eq!(decode(&[b"a\xe2\x82"]), ("a\u{FFFD}".to_owned(), true));
        assert_eq!(decode(&[b"\xff\xe2\x82", b"\xac"]), ("\u{FFFD}€".to_owned(), true));
    }

    #[cfg(not(target_family = "wasm"))]
    proptest::proptest! {
        #[test]
        fn any_split_decodes_alike(bytes: Vec<u8>, at: usize) {
            let at = if bytes.is_empty() { 0 } else { at % bytes.len() };
            let (left, right) = bytes.split_at(at);
            proptest::prop_assert_eq!(decode(&[left, right]), decode(&[&bytes]));
        }
    }
}
