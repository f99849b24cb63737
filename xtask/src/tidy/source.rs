//! Rust text as far as the rules need it: code without comments and literals, and where tests are.
//!
//! This is a lexer, not a parser. It knows strings, raw strings, characters, lifetimes and nested comments, so that
//! a brace in a string moves no block's end; on that, functions and test modules are found by matching braces.

use std::path::Path;

/// One line, split into what the compiler reads and what people read.
#[derive(Debug, Default)]
pub(super) struct Line {
    /// The code, with the contents of literals blanked.
    pub(super) code: String,
    /// The text of comments, without their marks.
    pub(super) comment: String,
    /// Whether the line belongs to a test.
    pub(super) test: bool,
}

/// A function with a body. Lines are counted from zero, both ends included.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) name: String,
    pub(super) first: usize,
    pub(super) last: usize,
}

/// A Rust file.
pub(super) struct Source {
    pub(super) lines: Vec<Line>,
    pub(super) functions: Vec<Function>,
    /// Whether the whole file is a test, a bench or an example.
    pub(super) all_test: bool,
}

impl Source {
    /// Reads a file; `path` tells whether all of it is a test.
    pub(super) fn parse(path: &Path, content: &str) -> Self {
        let lines = lex(content);
        let all_test = path.components().any(|part| {
            matches!(
                part.as_os_str().to_str(),
                Some("tests" | "tests.rs" | "benches" | "examples" | "testkit")
            )
        });
        let mut source = Self { lines, functions: Vec::new(), all_test };
        source.mark_tests();
        source.find_functions();
        source
    }

    /// Marks what stands under `#[cfg(test)]`, `#[test]` and their kin.
    fn mark_tests(&mut self) {
        let mut index = 0;
        while index < self.lines.len() {
            let code = self.lines[index].code.trim();
            let is_test = code.starts_with("#[cfg(test)")
                || code.starts_with("#[cfg(all(test")
                || (code.starts_with("#[") && code.contains("test]"))
                || (code.starts_with("#[") && code.contains("::test("));
            if !is_test {
                index += 1;
                continue;
            }
            let last = self.block_end(index).unwrap_or(index);
            for line in &mut self.lines[index..=last] {
                line.test = true;
            }
            index = last + 1;
        }
        if self.all_test {
            self.lines.iter_mut().for_each(|line| line.test = true);
        }
    }

    /// The last line of the item that begins at a line: where its block closes or its semicolon stands.
    fn block_end(&self, first: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut nested = 0_usize;
        for (index, line) in self.lines.iter().enumerate().skip(first) {
            for character in line.code.chars() {
                match character {
                    '(' | '[' => nested += 1,
                    ')' | ']' => nested = nested.saturating_sub(1),
                    '{' => depth += 1,
                    '}' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 && nested == 0 {
                            return Some(index);
                        }
                    }
                    ';' if depth == 0 && nested == 0 => return Some(index),
                    _ => {}
                }
            }
        }
        None
    }

    fn find_functions(&mut self) {
        let mut functions = Vec::new();
        for (index, line) in self.lines.iter().enumerate() {
            let Some(name) = function_name(&line.code) else { continue };
            let Some(last) = self.block_end(index) else { continue };
            functions.push(Function { name: name.to_owned(), first: index, last });
        }
        self.functions = functions;
    }
}

/// The name of the function that a line of code declares.
fn function_name(code: &str) -> Option<&str> {
    let mut from = 0;
    while let Some(found) = code[from..].find("fn ") {
        let at = from + found;
        let before = code[..at].chars().next_back();
        if before.is_none_or(|character| !character.is_alphanumeric() && character != '_') {
            let rest = code[at + 3..].trim_start();
            let end = rest.find(|character: char| !character.is_alphanumeric() && character != '_')?;
            return (end > 0).then(|| &rest[..end]);
        }
        from = at + 3;
    }
    None
}

#[derive(Clone, Copy)]
enum State {
    Code,
    LineComment,
    BlockComment(usize),
    Text,
    RawText(usize),
}

// tidy: long (one state machine; its arms share the cursor and the line under construction)
fn lex(content: &str) -> Vec<Line> {
    let characters: Vec<char> = content.chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or('\0');
    let mut lines = Vec::new();
    let mut line = Line::default();
    let mut state = State::Code;
    let mut index = 0;
    while index < characters.len() {
        let character = characters[index];
        if character == '\n' {
            lines.push(std::mem::take(&mut line));
            if matches!(state, State::LineComment) {
                state = State::Code;
            }
            index += 1;
            continue;
        }
        let mut step = 1;
        match state {
            State::Code => match character {
                '/' if at(index + 1) == '/' => {
                    state = State::LineComment;
                    step = 2;
                }
                '/' if at(index + 1) == '*' => {
                    state = State::BlockComment(1);
                    step = 2;
                }
                '"' => {
                    line.code.push('"');
                    state = State::Text;
                }
                'r' if !is_word(line.code.chars().next_back()) || line.code.ends_with('b') => {
                    let hashes = characters[index + 1..].iter().take_while(|next| **next == '#').count();
                    line.code.push('r');
                    if at(index + 1 + hashes) == '"' {
                        line.code.push('"');
                        state = State::RawText(hashes);
                        step = hashes + 2;
                    }
                }
                '\'' => {
                    line.code.push('\'');
                    if let Some(length) = character_literal(&characters[index..]) {
                        line.code.push('\'');
                        step = length;
                    }
                }
                _ => line.code.push(character),
            },
            State::LineComment => line.comment.push(character),
            State::BlockComment(depth) => match (character, at(index + 1)) {
                ('*', '/') => {
                    state = if depth == 1 { State::Code } else { State::BlockComment(depth - 1) };
                    step = 2;
                }
                ('/', '*') => {
                    state = State::BlockComment(depth + 1);
                    step = 2;
                }
                _ => line.comment.push(character),
            },
            State::Text => match character {
                '\\' if at(index + 1) != '\n' => step = 2,
                '"' => {
                    line.code.push('"');
                    state = State::Code;
                }
                _ => {}
            },
            State::RawText(hashes) => {
                if character == '"' && (1..=hashes).all(|offset| at(index + offset) == '#') {
                    line.code.push('"');
                    state = State::Code;
                    step = hashes + 1;
                }
            }
        }
        index += step;
    }
    lines.push(line);
    lines
}

fn is_word(character: Option<char>) -> bool {
    character.is_some_and(|character| character.is_alphanumeric() || character == '_')
}

/// The length of the character literal that begins here, or nothing for a lifetime.
fn character_literal(characters: &[char]) -> Option<usize> {
    match characters.get(1)? {
        '\\' => characters.iter().skip(3).position(|character| *character == '\'').map(|offset| offset + 4),
        _ => (characters.get(2) == Some(&'\'')).then_some(3),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(content: &str) -> Vec<String> {
        lex(content).into_iter().map(|line| line.code).collect()
    }

    #[test]
    fn comments_and_literals_leave_the_code() {
        let table = [
            ("a // b", "a "),
            ("a /* b /* c */ d */ e", "a  e"),
            (r#"f("}\"{") + 1"#, r#"f("") + 1"#),
            (r##"f(r#"a " } "#)"##, r#"f(r"")"#),
            ("match c { '{' => 1, '\\'' => 2 }", "match c { '' => 1, '' => 2 }"),
            ("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)"),
            ("r.push(1); for r in x {}", "r.push(1); for r in x {}"),
        ];
        for (content, expected) in table {
            assert_eq!(code(content), [expected], "{content}");
        }
    }

    #[test]
    fn functions_end_at_their_own_brace() {
        let content =
            "impl A {\n    fn a(x: [u8; 2]) {\n        if x { \"}\" }\n    }\n    fn b();\n}\nfn c() {}\n";
        let source = Source::parse(Path::new("src/a.rs"), content);
        let found: Vec<_> = source.functions.iter().map(|f| (f.name.as_str(), f.first, f.last)).collect();
        assert_eq!(found, [("a", 1, 3), ("b", 4, 4), ("c", 6, 6)]);
    }

    #[test]
    fn test_modules_are_marked() {
        let content = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";
        let source = Source::parse(Path::new("src/a.rs"), content);
        let marked: Vec<bool> = source.lines.iter().map(|line| line.test).collect();
        assert_eq!(marked, [false, true, true, true, true, false, false]);
    }
}
