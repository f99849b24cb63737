//! What a word is: one way of cutting text for the index, for what people ask, and for the marks in what is found.
//!
//! A word is a run of letters and digits, without case and accents. Scripts that write no spaces between words are cut
//! into overlapping pairs of characters, so that any part of a sentence is found: `東京都` is `東京`, `京都` and `都`.

use std::ops::Range;

/// A longer word is cut here, so that encoded data does not fill the index; as many bytes are enough to tell words
/// apart.
const LONGEST: usize = 64;

/// Calls `each` with every word of a text: where it stands, and the word as the index has it.
///
/// `closing` tells whether the last character of a run without spaces is a word by itself, as it must be in texts, so
/// that a single character is found there too; in what people ask it would be one character too many.
pub(super) fn words(text: &str, closing: bool, each: &mut dyn FnMut(Range<usize>, &str)) {
    let mut word = String::new();
    let mut begin = 0;
    let mut end = 0;
    let mut before: Option<(usize, char)> = None;
    for (at, character) in text.char_indices() {
        let spaceless = is_spaceless(character);
        if spaceless {
            if let Some((start, first)) = before {
                word.clear();
                word.extend([first, character]);
                each(start..at + character.len_utf8(), &word);
                word.clear();
            } else if !word.is_empty() {
                each(begin..end, &word);
                word.clear();
            }
            before = Some((at, character));
            continue;
        }
        close(&mut before, closing, each);
        if is_mark(character) && !word.is_empty() {
            end = at + character.len_utf8();
        } else if character.is_alphanumeric() {
            if word.is_empty() {
                begin = at;
            }
            if word.len() < LONGEST {
                fold(character, &mut word);
            }
            end = at + character.len_utf8();
        } else if !word.is_empty() {
            each(begin..end, &word);
            word.clear();
        }
    }
    close(&mut before, closing, each);
    if !word.is_empty() {
        each(begin..end, &word);
    }
}

fn close(before: &mut Option<(usize, char)>, closing: bool, each: &mut dyn FnMut(Range<usize>, &str)) {
    if let Some((at, last)) = before.take().filter(|_| closing) {
        each(at..at + last.len_utf8(), last.encode_utf8(&mut [0; 4]));
    }
}

/// Tells whether words of a character's script are not told apart by spaces. Korean has spaces, but joins what follows
/// a word to it.
pub(super) fn is_spaceless(character: char) -> bool {
    matches!(character,
        '\u{0e01}'..='\u{0e3a}' | '\u{0e40}'..='\u{0e4e}' // Thai
        | '\u{0e80}'..='\u{0ece}' // Lao
        | '\u{1000}'..='\u{103f}' // Burmese
        | '\u{1780}'..='\u{17d3}' // Khmer
        | '\u{1100}'..='\u{11ff}' | '\u{ac00}'..='\u{d7a3}' // Korean
        | '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{309d}'..='\u{309f}' // Japanese
        | '\u{30a1}'..='\u{30fa}' | '\u{30fc}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{ff66}'..='\u{ff9f}'
        | '\u{3105}'..='\u{312f}' // Bopomofo
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' // Chinese characters
        | '\u{20000}'..='\u{323af}')
}

/// Tells whether a character only changes the letter before it.
fn is_mark(character: char) -> bool {
    matches!(character, '\u{300}'..='\u{36f}' | '\u{200c}' | '\u{200d}' | '\u{ad}')
}

/// Adds a letter without case and accent.
fn fold(character: char, word: &mut String) {
    if character.is_ascii() {
        word.push(character.to_ascii_lowercase());
        return;
    }
    for lower in character.to_lowercase().filter(|lower| !is_mark(*lower)) {
        match base(lower) {
            Some(plain) => word.push_str(plain),
            // Full-width letters and digits stand where the plain ones do, 0xfee0 further on.
            None if ('\u{ff01}'..='\u{ff5e}').contains(&lower) => {
                word.extend(char::from_u32(lower as u32 - 0xfee0));
            }
            None => word.push(lower),
        }
    }
}

/// The letters without accent of the Latin letters that have one, and the one form of Greek sigma and Cyrillic yo.
///
/// Only what follows from the Unicode names of the blocks Latin-1, Latin Extended-A and Latin Extended Additional
/// (the letters of Vietnamese) is here: languages in which an accent makes another letter are found by both.
fn base(lower: char) -> Option<&'static str> {
    Some(match lower {
        'à'..='å' | 'ā' | 'ă' | 'ą' | 'ǎ' | '\u{1ea0}'..='\u{1eb7}' => "a",
        'æ' => "ae",
        'ç' | 'ć' | 'ĉ' | 'ċ' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è'..='ë' | 'ē' | 'ĕ' | 'ė' | 'ę' | 'ě' | '\u{1eb8}'..='\u{1ec7}' => "e",
        'ĝ' | 'ğ' | 'ġ' | 'ģ' => "g",
        'ĥ' | 'ħ' => "h",
        'ì'..='ï' | 'ĩ' | 'ī' | 'ĭ' | 'į' | 'ı' | '\u{1ec8}'..='\u{1ecb}' => "i",
        'ĵ' => "j",
        'ķ' => "k",
        'ĺ' | 'ļ' | 'ľ' | 'ŀ' | 'ł' => "l",
        'ñ' | 'ń' | 'ņ' | 'ň' => "n",
        'ò'..='ö' | 'ø' | 'ō' | 'ŏ' | 'ő' | 'ơ' | '\u{1ecc}'..='\u{1ee3}' => "o",
        'œ' => "oe",
        'ŕ' | 'ŗ' | 'ř' => "r",
        'ś' | 'ŝ' | 'ş' | 'š' | 'ș' => "s",
        'ß' | 'ẞ' => "ss",
        'ţ' | 'ť' | 'ŧ' | 'ț' => "t",
        'ù'..='ü' | 'ũ' | 'ū' | 'ŭ' | 'ů' | 'ű' | 'ų' | 'ư' | '\u{1ee4}'..='\u{1ef1}' => "u",
        'ŵ' => "w",
        'ý' | 'ÿ' | 'ŷ' | '\u{1ef2}'..='\u{1ef9}' => "y",
        'ź' | 'ż' | 'ž' => "z",
        'ς' => "σ",
        'ё' => "е",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        words(text, true, &mut |_, word| found.push(word.to_owned()));
        found
    }

    #[test]
    fn words_are_runs_of_letters_and_digits_without_case_and_accents() {
        for (text, expected) in [
            ("Hello, World!", "hello world"),
            ("fn foo_bar(x: u8) -> v1.2", "fn foo bar x u8 v1 2"),
            ("Größe café Łódź ΟΔΟΣ Ёлка", "grosse cafe lodz οδοσ елка"),
            ("cafe\u{301} tiếng Việt", "cafe tieng viet"),
            ("ＡＢＣ１２", "abc12"),
            ("東京都 2020年", "東京 京都 都 2020 年"),
            ("Rustで書く", "rust で書 書く く"),
            ("한국어", "한국 국어 어"),
            ("हिन्दी", "हिन दी"),
            ("...", ""),
            ("", ""),
        ] {
            assert_eq!(cut(text).join(" "), expected, "{text:?}");
        }
    }

    #[test]
    fn places_are_those_of_the_words() {
        let text = "a  Größe東京,x";
        let mut found = Vec::new();
        words(text, true, &mut |range, _| found.push(&text[range]));
        assert_eq!(found, ["a", "Größe", "東京", "京", "x"]);
    }

    #[test]
    fn what_is_asked_has_no_closing_character() {
        let mut found = Vec::new();
        words("東京都x", false, &mut |_, word| found.push(word.to_owned()));
        assert_eq!(found, ["東京", "京都", "x"]);
    }

    #[test]
    fn long_words_are_cut() {
        let long = "x".repeat(1_000);
        assert_eq!(cut(&long), ["x".repeat(LONGEST)]);
    }
}
