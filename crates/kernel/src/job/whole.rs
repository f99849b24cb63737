//! Cuts pieces of output between characters.

/// Holds back the beginning of a character until its end has come. What is not UTF-8 goes through as it is.
#[derive(Default)]
pub(super) struct Whole {
    begun: Vec<u8>,
}

impl Whole {
    /// Takes a piece and answers what is whole; empty if nothing is.
    pub(super) fn take(&mut self, piece: Vec<u8>) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.begun);
        if bytes.is_empty() {
            bytes = piece;
        } else {
            bytes.extend(piece);
        }
        self.begun = bytes.split_off(bytes.len() - unfinished(&bytes));
        bytes
    }

    /// Answers what was held back; nothing comes any more.
    pub(super) fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    for (behind, byte) in bytes.iter().rev().take(3).enumerate() {
        let length = match byte {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 0,
        };
        return if behind + 1 < length { behind + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_ends_between_characters_wherever_it_was_cut() {
        let text = "aä語🦀z".as_bytes();
        for cut in 0..=text.len() {
            for next in cut..=text.len() {
                let mut whole = Whole::default();
                let pieces = [&text[..cut], &text[cut..next], &text[next..]];
                let told: Vec<Vec<u8>> = pieces.iter().map(|piece| whole.take(piece.to_vec())).collect();
                assert!(told.iter().all(|piece| std::str::from_utf8(piece).is_ok()), "{cut} {next}");
                assert_eq!(told.concat(), text);
                assert_eq!(whole.rest(), b"");
            }
        }
    }

    #[test]
    fn what_is_not_text_is_kept_and_in_order() {
        let mut whole = Whole::default();
        assert_eq!(whole.take(b"\xff\x80\x80\x80\x80".to_vec()), b"\xff\x80\x80\x80\x80");
        assert_eq!(whole.take(b"end\xe8\xaa".to_vec()), b"end");
        assert_eq!(whole.take(b"\xff".to_vec()), b"\xe8\xaa\xff");
        assert_eq!(whole.take(b"\xf0\x9f".to_vec()), b"");
        assert_eq!(whole.rest(), b"\xf0\x9f");
    }
}
