//! The thread that knows grammars.
//!
//! Bounds: a line of more than [`LONGEST_LINE`] bytes stays plain, and so does what is left of a piece of code after
//! [`BUDGET`]; an expression that backtracks without end is given up by its engine, and its line stays plain.

use std::{
    io,
    sync::mpsc::{Receiver, Sender},
    time::{Duration, Instant},
};

use purlin_kernel::text::Token;
use syntect::parsing::{ParseState, ScopeStack, SyntaxReference, SyntaxSet};

use super::scopes::Scopes;

/// A longer line is not looked at: expressions may take far more than linear time.
const LONGEST_LINE: usize = 2_000;

/// Time for one piece of code; the first of a language pays for making its expressions, on a slow machine seconds.
const BUDGET: Duration = Duration::from_secs(10);

/// Code to highlight.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) id: u64,
    pub(super) language: String,
    pub(super) code: String,
}

/// Lengths in bytes and colours of the pieces of one line.
pub(super) type Row = Vec<(usize, Option<Token>)>;

/// Code that is highlighted; no rows where the language is not known.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) id: u64,
    pub(super) rows: Option<Vec<Row>>,
}

/// Starts the thread; it ends when nobody can ask it any more.
pub(super) fn start(
    jobs: Receiver<Job>,
    done: Sender<Done>,
    tell: impl Fn() + Send + 'static,
) -> io::Result<()> {
    std::thread::Builder::new().name("highlighter".into()).spawn(move || {
        let mut painter = Painter::new();
        for job in jobs {
            let rows = painter.paint(&job.language, &job.code);
            if done.send(Done { id: job.id, rows }).is_err() {
                return;
            }
            tell();
        }
    })?;
    Ok(())
}

/// Where the painting of code that may still grow stopped: after its last whole line.
struct Memory {
    language: String,
    code: String,
    rows: Vec<Row>,
    parse: ParseState,
    stack: ScopeStack,
}

struct Painter {
    set: SyntaxSet,
    scopes: Scopes,
    memory: Option<Memory>,
}

impl Painter {
    fn new() -> Painter {
        Painter { set: two_face::syntax::extra_newlines(), scopes: Scopes::new(), memory: None }
    }

    fn paint(&mut self, language: &str, code: &str) -> Option<Vec<Row>> {
        let until = Instant::now() + BUDGET;
        let mut memory = match self.memory.take() {
            Some(memory) if memory.language == language && code.starts_with(&memory.code) => memory,
            _ => {
                let (parse, stack) = (ParseState::new(self.find(language)?), ScopeStack::new());
                Memory { language: language.into(), code: String::new(), rows: Vec::new(), parse, stack }
            }
        };
        let mut rest = Vec::new();
        for line in code[memory.code.len()..].split_inclusive('\n') {
            if Instant::now() > until {
                rest.push(vec![(line.len(), None)]);
                continue;
            }
            if rest.is_empty() && line.ends_with('\n') {
                let row = self.line(line, &mut memory.parse, &mut memory.stack);
                memory.rows.push(row);
                memory.code.push_str(line);
            } else {
                // An unfinished line is read with a state that is thrown away.
                let (mut parse, mut stack) = (memory.parse.clone(), memory.stack.clone());
                rest.push(self.line(line, &mut parse, &mut stack));
            }
        }
        let mut rows = memory.rows.clone();
        rows.extend(rest);
        self.memory = Some(memory);
        Some(rows)
    }

    fn find(&self, language: &str) -> Option<&SyntaxReference> {
        let name = match language {
            "shell" | "zsh" | "console" | "shell-session" | "sh-session" | "shellscript" => "bash",
            "golang" => "go",
            "jsonc" | "json5" | "jsonl" | "ndjson" => "json",
            "mjs" | "cjs" | "node" | "javascript" => "js",
            "mts" | "cts" => "ts",
            "c++" | "cxx" | "hpp" => "cpp",
            "c#" | "csharp" => "cs",
            "docker" => "dockerfile",
            "luau" => "lua",
            "patch" => "diff",
            "py3" | "python3" => "python",
            other => other,
        };
        self.set.find_syntax_by_token(name)
    }

    fn line(&mut self, line: &str, parse: &mut ParseState, stack: &mut ScopeStack) -> Row {
        let plain = || vec![(line.len(), None)];
        if line.len() > LONGEST_LINE {
            return plain();
        }
        let whole = if line.ends_with('\n') { line.to_owned() } else { format!("{line}\n") };
        let Ok(operations) = parse.parse_line(&whole, &self.set) else { return plain() };
        let mut row = Row::new();
        let mut at = 0;
        for (position, operation) in operations {
            let position = position.min(line.len());
            self.push(&mut row, position - at.min(position), stack);
            at = at.max(position);
            if stack.apply(&operation).is_err() {
                return plain();
            }
        }
        self.push(&mut row, line.len() - at, stack);
        row
    }

    fn push(&mut self, row: &mut Row, length: usize, stack: &ScopeStack) {
        if length == 0 {
            return;
        }
        let token = self.scopes.token(stack);
        match row.last_mut() {
            Some((before, same)) if *same == token => *before += length,
            _ => row.push((length, token)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown<'c>(code: &'c str, row: &Row) -> Vec<(&'c str, Option<Token>)> {
        let mut at = 0;
        row.iter()
            .map(|(length, token)| {
                at += length;
                (&code[at - length..at], *token)
            })
            .collect()
    }

    #[test]
    fn languages_are_found_by_their_usual_names() {
        let painter = Painter::new();
        let names = "rust rs python py javascript js ts typescript tsx go c cpp c++ java kotlin swift ruby php lua sh bash \
                     shell console json jsonc yaml yml toml html css sql diff dockerfile makefile markdown xml haskell \
                     zig elixir nix ini graphql vue svelte csharp";
        let unknown: Vec<&str> =
            names.split_whitespace().filter(|name| painter.find(name).is_none()).collect();
        assert_eq!(unknown, [""; 0]);
        assert!(painter.find("no-such-language").is_none());
    }

    #[test]
    fn tokens_are_what_they_look_like() {
        let mut painter = Painter::new();
        let code = "fn main() { let x = \"hi\"; } // end\n";
        let rows = painter.paint("rust", code).expect("rust is known");
        let pieces = shown(code, &rows[0]);
        let has = |text: &str, token: Token| {
            assert!(
                pieces.iter().any(|(piece, own)| piece.contains(text) && *own == Some(token)),
                "{text}: {pieces:?}"
            );
        };
        has("fn", Token::SyntaxKeyword);
        has("main", Token::SyntaxFunction);
        has("hi", Token::SyntaxString);
        has("// end", Token::SyntaxComment);
        assert!(painter.paint("no-such-language", code).is_none());
    }

    #[test]
    fn code_that_grows_looks_as_if_it_had_been_whole() {
        let whole = "/* a\n comment */ fn f() -> u8 {\n    1 /* open\n */ }\n";
        let (mut growing, mut fresh) = (Painter::new(), Painter::new());
        for end in (1..whole.len()).step_by(3).chain([whole.len()]) {
            fresh.memory = None;
            let part = &whole[..end];
            assert_eq!(growing.paint("rust", part), fresh.paint("rust", part), "{part:?}");
        }
    }

    #[test]
    fn giant_lines_stay_plain_and_the_next_has_colours() {
        let mut painter = Painter::new();
        let code = format!("let a = \"{}\";\nlet b = 1;\n", "(".repeat(200_000));
        let rows = painter.paint("rust", &code).expect("rust is known");
        assert_eq!(rows[0], [(code.find('\n').expect("two lines") + 1, None)]);
        assert!(rows[1].iter().any(|(_, token)| *token == Some(Token::SyntaxKeyword)), "{:?}", rows[1]);
    }
}
