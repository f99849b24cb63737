//! Patterns of file names: `*`, `?`, `[a-z]`, `{a,b}` and `**` for any number of folders.

/// A pattern of paths whose parts are divided by `/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob {
    /// One list of parts for each alternative of the braces.
    alternatives: Vec<Vec<Vec<char>>>,
}

/// Why a pattern is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GlobError {
    /// A brace or bracket is not closed.
    #[error("`{0}` has a brace or bracket that is not closed")]
    Open(String),
    /// The braces multiply to more than can be meant.
    #[error("`{0}` stands for more than 256 patterns")]
    Many(String),
}

/// So many alternatives are never meant.
const MOST: usize = 256;

impl Glob {
    /// Reads a pattern.
    pub fn new(pattern: &str) -> Result<Self, GlobError> {
        let mut alternatives = Vec::new();
        for text in expand(pattern)? {
            let parts: Vec<Vec<char>> = text
                .split('/')
                .filter(|part| !part.is_empty() && *part != ".")
                .map(|part| part.chars().collect())
                .collect();
            if parts.iter().any(|part: &Vec<char>| !brackets_closed(part)) {
                return Err(GlobError::Open(pattern.to_owned()));
            }
            alternatives.push(parts);
        }
        Ok(Self { alternatives })
    }

    /// Tells whether a relative path matches.
    pub fn matches(&self, path: &str) -> bool {
        let parts: Vec<Vec<char>> = split(path);
        self.alternatives.iter().any(|pattern| matches_parts(pattern, &parts, false))
    }

    /// Tells whether something below a relative folder may match, so that it is worth looking into.
    pub fn may_match_below(&self, folder: &str) -> bool {
        let parts = split(folder);
        self.alternatives.iter().any(|pattern| matches_parts(pattern, &parts, true))
    }

    /// Tells whether names that begin with a dot are meant: only where the pattern writes one.
    pub fn wants_hidden(&self) -> bool {
        self.alternatives.iter().flatten().any(|part| part.first() == Some(&'.'))
    }
}

fn split(path: &str) -> Vec<Vec<char>> {
    path.split('/').filter(|part| !part.is_empty()).map(|part| part.chars().collect()).collect()
}

/// Writes the alternatives of the braces out.
fn expand(pattern: &str) -> Result<Vec<String>, GlobError> {
    let mut open = vec![pattern.to_owned()];
    let mut done = Vec::new();
    while let Some(text) = open.pop() {
        let Some(start) = text.find('{') else {
            done.push(text);
            if done.len() + open.len() > MOST {
                return Err(GlobError::Many(pattern.to_owned()));
            }
            continue;
        };
        let Some((end, commas)) = closing(&text, start) else {
            return Err(GlobError::Open(pattern.to_owned()));
        };
        let mut from = start + 1;
        let mut choices = Vec::new();
        for to in commas.into_iter().chain([end]) {
            choices.push(format!("{}{}{}", &text[..start], &text[from..to], &text[end + 1..]));
            from = to + 1;
        }
        // Taken from the end, so that the alternatives come in the order in which they are written.
        open.extend(choices.into_iter().rev());
        if done.len() + open.len() > MOST {
            return Err(GlobError::Many(pattern.to_owned()));
        }
    }
    Ok(done)
}

/// Finds the brace that closes the one at `start`, and the commas between them.
fn closing(text: &str, start: usize) -> Option<(usize, Vec<usize>)> {
    let mut depth = 0;
    let mut commas = Vec::new();
    for (at, c) in text[start..].char_indices().map(|(at, c)| (at + start, c)) {
        match c {
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some((at, commas));
                }
            }
            ',' if depth == 1 => commas.push(at),
            _ => {}
        }
    }
    None
}

fn brackets_closed(part: &[char]) -> bool {
    let mut at = 0;
    while at < part.len() {
        if part[at] == '[' {
            let Some(end) = class_end(&part[at..]) else { return false };
            at += end;
        }
        at += 1;
    }
    true
}

/// Answers where the `]` of a class stands; one directly after the `[` belongs to it.
fn class_end(part: &[char]) -> Option<usize> {
    let from = if matches!(part.get(1), Some('!' | '^')) { 3 } else { 2 };
    (from..part.len()).find(|at| part[*at] == ']')
}

/// Matches parts against parts; with `open`, a pattern that goes on where the path ends matches as well.
fn matches_parts(pattern: &[Vec<char>], path: &[Vec<char>], open: bool) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return path.is_empty() && !open };
    if first.iter().collect::<String>() == "**" {
        return (0..=path.len()).any(|skip| matches_parts(rest, &path[skip..], open)) || open;
    }
    match path.split_first() {
        None => open,
        Some((name, below)) => matches_name(first, name) && matches_parts(rest, below, open),
    }
}

/// Matches one name; goes back to the last star only, so that it takes at most the product of both lengths.
fn matches_name(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        let step = match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => class_end(&pattern[p..])
                .filter(|end| in_class(&pattern[p + 1..p + end], name[n]))
                .map(|end| end + 1),
            Some(c) if *c == name[n] => Some(1),
            _ => None,
        };
        match (step, star) {
            (Some(step), _) => {
                p += step;
                n += 1;
            }
            (None, Some((at, from))) => {
                p = at + 1;
                n = from + 1;
                star = Some((at, from + 1));
            }
            (None, None) => return false,
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn in_class(class: &[char], c: char) -> bool {
    let (negated, class) = match class.split_first() {
        Some(('!' | '^', rest)) => (true, rest),
        _ => (false, class),
    };
    let mut at = 0;
    let mut found = false;
    while at < class.len() {
        if class.get(at + 1) == Some(&'-') && at + 2 < class.len() {
            found |= (class[at]..=class[at + 2]).contains(&c);
            at += 3;
        } else {
            found |= class[at] == c;
            at += 1;
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_people_expect() {
        let table = [
            ("*.rs", "main.rs", true),
            ("*.rs", "src/main.rs", false),
            ("**/*.rs", "src/a/main.rs", true),
            ("**/*.rs", "main.rs", true),
            ("src/**", "src/a/b", true),
            ("s?c/[a-c]*.{rs,md}", "src/boot.md", true),
            ("s?c/[!a-c]*.{rs,md}", "src/boot.md", false),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxcxxb", false),
            ("", "a", false),
            ("[]]", "]", true),
        ];
        for (pattern, path, expected) in table {
            let glob = Glob::new(pattern).expect(pattern);
            assert_eq!(glob.matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn folders_that_cannot_match_are_not_looked_into() {
        let glob = Glob::new("src/*/x.rs").expect("a pattern");
        assert!(glob.may_match_below("src") && glob.may_match_below("src/a"));
        assert!(!glob.may_match_below("docs") && !glob.may_match_below("src/a/b"));
        assert!(Glob::new("**/x").expect("a pattern").may_match_below("any/where"));
    }

    #[test]
    fn broken_patterns_are_errors_and_braces_do_not_explode() {
        assert!(matches!(Glob::new("{a,b"), Err(GlobError::Open(_))));
        assert!(matches!(Glob::new("[a"), Err(GlobError::Open(_))));
        assert!(matches!(Glob::new(&"{a,b}".repeat(20)), Err(GlobError::Many(_))));
        let hostile = Glob::new(&"*a".repeat(50)).expect("a pattern");
        assert!(!hostile.matches(&"ab".repeat(20)) && hostile.matches(&"ba".repeat(2_000)));
    }
}
