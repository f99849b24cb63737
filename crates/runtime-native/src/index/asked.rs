//! What people type to look for: words, `"phrases"`, `pre*` and `-without`. Nothing that is typed is a syntax error.

use std::fmt::Write as _;
use std::ops::Range;

use super::words::{is_spaceless, words};

/// What is looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    wanted: Vec<Term>,
    unwanted: Vec<Term>,
}

/// Words that must stand one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Term {
    words: Vec<String>,
    /// Whether the last word is the beginning of one.
    open: bool,
}

impl Asked {
    /// Reads what was typed.
    ///
    /// A `"` without its partner reaches to the end. What has neither letter nor digit is left out.
    pub fn parse(text: &str) -> Self {
        let mut asked = Self::default();
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let (without, after) = match rest.strip_prefix('-') {
                Some(after) if !after.is_empty() && !after.starts_with(char::is_whitespace) => (true, after),
                _ => (false, rest),
            };
            let (piece, open, left) = if let Some(quoted) = after.strip_prefix('"') {
                let (inside, left) = quoted.split_once('"').unwrap_or((quoted, ""));
                (inside, false, left)
            } else {
                let end = after.find(|c: char| c.is_whitespace() || c == '"').unwrap_or(after.len());
                let (piece, left) = after.split_at(end);
                (piece, piece.ends_with('*'), left)
            };
            let terms = terms(piece, open);
            if without {
                // Of an excluded piece that is cut into several, all must be missing together; the first stands for it
                // only where it is the whole of it.
                asked.unwanted.extend(whole(terms, piece, open));
            } else {
                asked.wanted.extend(terms);
            }
            rest = left.trim_start();
        }
        asked
    }

    /// Reads arguments of a command line: one with spaces and without quotes of its own is a phrase.
    pub fn of_arguments<S: AsRef<str>>(arguments: &[S]) -> Self {
        let mut text = String::new();
        for argument in arguments.iter().map(AsRef::as_ref) {
            if argument.contains(char::is_whitespace) && !argument.contains('"') {
                let (sign, phrase) = argument.strip_prefix('-').map_or(("", argument), |rest| ("-", rest));
                text.push_str(sign);
                text.push('"');
                text.push_str(phrase);
                text.push('"');
            } else {
                text.push_str(argument);
            }
            text.push(' ');
        }
        Self::parse(&text)
    }

    /// Tells whether there is nothing to look for; what is only excluded is nothing.
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Writes the expression that the index is asked with; valid whatever was typed.
    pub(super) fn expression(&self) -> String {
        let mut text = String::new();
        for (index, term) in self.wanted.iter().enumerate() {
            text.push_str(if index == 0 { "(" } else { " AND " });
            term.write(&mut text);
        }
        if !self.wanted.is_empty() {
            text.push(')');
        }
        for term in &self.unwanted {
            text.push_str(" NOT ");
            term.write(&mut text);
        }
        text
    }

    /// Finds where the wanted words stand in a text, in order and without overlap.
    pub(super) fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut cut: Vec<(Range<usize>, String)> = Vec::new();
        words(text, true, &mut |range, word| cut.push((range, word.to_owned())));
        let mut places: Vec<Range<usize>> = Vec::new();
        for first in 0..cut.len() {
            let longest = self.wanted.iter().filter_map(|term| term.end(&cut[first..])).max();
            if let Some(last) = longest {
                let place = cut[first].0.start..cut[first + last].0.end;
                match places.last_mut() {
                    Some(before) if before.end >= place.start => before.end = before.end.max(place.end),
                    _ => places.push(place),
                }
            }
        }
        places
    }
}

impl Term {
    /// The index of the term's last word if it stands at the beginning of these words.
    fn end(&self, cut: &[(Range<usize>, String)]) -> Option<usize> {
        let last = self.words.len().checked_sub(1)?;
        let matches = self.words.iter().enumerate().all(|(index, word)| {
            cut.get(index).is_some_and(|(_, found)| {
                if index == last && self.open { found.starts_with(word.as_str()) } else { found == word }
            })
        });
        matches.then_some(last)
    }

    fn write(&self, text: &mut String) {
        // Words are letters and digits only, so nothing in them can end the quotes. Writing to a string cannot fail.
        let _ = write!(text, "\"{}\"{}", self.words.join(" "), if self.open { " *" } else { "" });
    }
}

/// Cuts a piece into terms: runs of a script without spaces are terms of their own, because in a text the last
/// character of such a run is one more word.
fn terms(piece: &str, open: bool) -> Vec<Term> {
    let mut terms: Vec<Term> = Vec::new();
    let mut begin = 0;
    let mut kind = None;
    let mut cuts = Vec::new();
    for (at, character) in piece.char_indices().filter(|(_, character)| character.is_alphanumeric()) {
        let spaceless = is_spaceless(character);
        if kind.is_some_and(|kind| kind != spaceless) {
            cuts.push(begin..at);
            begin = at;
        }
        kind = Some(spaceless);
    }
    cuts.push(begin..piece.len());
    for cut in cuts {
        let part = &piece[cut];
        let mut found = Vec::new();
        words(part, false, &mut |_, word| found.push(word.to_owned()));
        if found.is_empty() {
            // One character of a script without spaces: the first of a pair, or the last of a run.
            let one: Vec<char> = part.chars().filter(|character| is_spaceless(*character)).collect();
            terms.extend(one.iter().map(|one| Term { words: vec![one.to_string()], open: true }));
        } else {
            terms.push(Term { words: found, open: false });
        }
    }
    if open
        && let Some(last) =
            terms.last_mut().filter(|term| !term.words.iter().any(|word| starts_spaceless(word)))
    {
        last.open = true;
    }
    terms
}

fn starts_spaceless(word: &str) -> bool {
    word.chars().next().is_some_and(is_spaceless)
}

/// An excluded piece of several terms excludes by its longest one only if that is all of it; else it cannot be asked
/// for in one phrase, and what holds any of its terms would be lost. The words in their order are the nearest phrase.
fn whole(terms: Vec<Term>, piece: &str, open: bool) -> Option<Term> {
    if terms.len() < 2 {
        return terms.into_iter().next();
    }
    let mut found = Vec::new();
    words(piece, true, &mut |_, word| found.push(word.to_owned()));
    (!found.is_empty()).then_some(Term { words: found, open })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_phrases_beginnings_and_exclusions() {
        for (typed, expected) in [
            ("disk full", r#"("disk" AND "full")"#),
            (r#""disk full" sqlite"#, r#"("disk full" AND "sqlite")"#),
            ("sess* -test", r#"("sess" *) NOT "test""#),
            ("foo_bar v1.2", r#"("foo bar" AND "v1 2")"#),
            (r#"-"not this" that"#, r#"("that") NOT "not this""#),
            (r#"an "open phrase"#, r#"("an" AND "open phrase")"#),
            ("東京都", r#"("東京 京都")"#),
            ("都", r#"("都" *)"#),
            ("Rust東京", r#"("rust" AND "東京")"#),
            ("x -東京rust", r#"("x") NOT "東京 京 rust""#),
            ("AND OR NOT NEAR(a)", r#"("and" AND "or" AND "not" AND "near a")"#),
            ("- -- * \" ", ""),
            ("-only", r#" NOT "only""#),
        ] {
            assert_eq!(Asked::parse(typed).expression(), expected, "{typed:?}");
        }
        assert!(Asked::parse("-only ...").is_empty());
    }

    #[test]
    fn arguments_with_spaces_are_phrases() {
        let asked = |arguments: &[&str]| Asked::of_arguments(arguments).expression();
        assert_eq!(asked(&["disk full", "sqlite"]), r#"("disk full" AND "sqlite")"#);
        assert_eq!(asked(&["disk", "-unit test"]), r#"("disk") NOT "unit test""#);
        assert_eq!(asked(&[r#""a b" c"#]), r#"("a b" AND "c")"#);
    }

    #[test]
    fn places_are_marked_as_the_index_finds_them() {
        let text = "The Disk is full; a full-disk test. 東京都へ";
        let found = |typed: &str| -> Vec<&str> {
            Asked::parse(typed).places(text).into_iter().map(|range| &text[range]).collect()
        };
        assert_eq!(found("disk"), ["Disk", "disk"]);
        assert_eq!(found(r#""full disk""#), ["full-disk"]);
        assert_eq!(found("te*"), ["test"]);
        assert_eq!(found("京都"), ["京都"]);
        assert_eq!(found("東京都"), ["東京都"]);
        assert_eq!(found("absent"), [""; 0]);
    }

    proptest! {
        #[test]
        fn whatever_is_typed_asks_something_valid(typed in r#"[ -~"*é東京\t-]{0,40}"#) {
            let expression = Asked::parse(&typed).expression();
            // Quotes in pairs, and only words between them.
            prop_assert_eq!(expression.matches('"').count() % 2, 0);
            for inside in expression.split('"').skip(1).step_by(2) {
                prop_assert!(inside.chars().all(|c| c.is_alphanumeric() || c == ' '), "{}", expression);
            }
        }
    }
}
