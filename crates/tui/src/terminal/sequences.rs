//! The escape sequences that set modes and ask questions.

use super::Keyboard;

/// Alternate screen, bracketed paste, focus reports.
pub const ENTER: &[u8] = b"\x1b[?1049h\x1b[?2004h\x1b[?1004h";

/// Mouse with buttons, drags and wheel, in SGR form.
pub const MOUSE: &[u8] = b"\x1b[?1002h\x1b[?1006h";

/// The reverse of [`ENTER`] and [`MOUSE`], after a frame may have been cut in the middle.
pub const LEAVE: &[u8] =
    b"\x1b[?1006l\x1b[?1002l\x1b[?1004l\x1b[?2004l\x1b[?2026l\x1b[m\x1b]8;;\x1b\\\x1b[?25h\x1b[?1049l";

/// Keyboard flags, synchronized output, background colour; primary attributes last, which every terminal answers.
pub const QUERIES: &[u8] = b"\x1b[?u\x1b[?2026$p\x1b]11;?\x1b\\\x1b[c";

/// Switches a keyboard protocol on.
pub fn keyboard_on(keyboard: Keyboard) -> &'static [u8] {
    match keyboard {
        Keyboard::Legacy => b"",
        // Disambiguate escape codes; press events only, so that nothing is reported twice.
        Keyboard::Kitty => b"\x1b[>1u",
        Keyboard::Modify => b"\x1b[>4;1m",
    }
}

/// Switches a keyboard protocol off.
pub fn keyboard_off(keyboard: Keyboard) -> &'static [u8] {
    match keyboard {
        Keyboard::Legacy => b"",
        Keyboard::Kitty => b"\x1b[<1u",
        Keyboard::Modify => b"\x1b[>4;0m",
    }
}

/// Answers the sequence that hands `text` to the terminal's clipboard (OSC 52).
pub fn copy(text: &str) -> Vec<u8> {
    let mut bytes = b"\x1b]52;c;".to_vec();
    base64(text.as_bytes(), &mut bytes);
    bytes.extend_from_slice(b"\x1b\\");
    bytes
}

/// Answers the sequence that names the window; control characters are left out.
pub fn title(text: &str) -> Vec<u8> {
    let clean: String = text.chars().filter(|character| !character.is_control()).collect();
    format!("\x1b]2;{clean}\x1b\\").into_bytes()
}

fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let shown = digit <= chunk.len();
            out.push(if shown { DIGITS[(group >> (18 - 6 * digit) & 63) as usize] } else { b'=' });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clipboard_sequence_is_base64() {
        let table = [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("hello é", "aGVsbG8gw6k=")];
        for (text, expected) in table {
            assert_eq!(String::from_utf8_lossy(&copy(text)), format!("\x1b]52;c;{expected}\x1b\\"));
        }
    }

    #[test]
    fn leaving_undoes_entering_in_reverse() {
        let modes = |bytes: &[u8], last: char| -> Vec<String> {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.split('\x1b')
                .filter(|part| part.starts_with("[?") && part.ends_with(last))
                .map(|part| part[2..part.len() - 1].to_owned())
                .collect()
        };
        let mut entered = modes(&[ENTER, MOUSE].concat(), 'h');
        entered.reverse();
        let left: Vec<String> = modes(LEAVE, 'l').into_iter().filter(|mode| mode != "2026").collect();
        assert_eq!(left, entered);
    }
}
