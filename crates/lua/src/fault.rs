//! What went wrong in Lua code, with the place in the source.
//!
//! Errors reach Lua code as plain strings that begin with `file:line:` of the caller, and reach
//! the kernel as a [`HandlerError`] with message, file, line and kind apart.

use std::fmt;

use mlua::{Error, Lua};
use purlin_kernel::{ErrorKind, HandlerError};

/// Chunk names of our own glue, which is never the place of an author's mistake.
const GLUE: [&str; 3] = ["purlin:glue", "__mlua_async_poll", "[C]"];
/// How many frames are looked at for the caller's place.
const MAX_FRAMES: usize = 32;

/// Raised inside the interpreter when a stretch is past its deadline; `pcall` does not catch it.
#[derive(Debug, Clone)]
pub(crate) struct Overdue {
    /// Where the code was, `file:line`.
    pub(crate) place: Option<(String, u32)>,
}

impl fmt::Display for Overdue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((file, line)) = &self.place {
            write!(f, "{file}:{line}: ")?;
        }
        f.write_str("interrupted at the deadline (an endless loop, or too much work in one go)")
    }
}

impl std::error::Error for Overdue {}

/// The file and line of the innermost frame that is an author's code.
pub(crate) fn caller(lua: &Lua) -> Option<(String, u32)> {
    for level in 0..MAX_FRAMES {
        let place = lua.inspect_stack(level, |frame| {
            let source = frame.source().short_src.map(std::borrow::Cow::into_owned)?;
            let line = frame.current_line()?;
            if GLUE.contains(&source.as_str()) {
                return None;
            }
            Some((source, line as u32))
        })?;
        if place.is_some() {
            return place;
        }
    }
    None
}

/// So many bytes of a message are told: it may quote an argument, however long that is.
const LONGEST: usize = 1024;

/// An error with the caller's place in front, as Lua's own functions raise it.
pub(crate) fn raise(lua: &Lua, message: &str) -> Error {
    let cut = (message.len() > LONGEST).then(|| format!("{}…", purlin_kernel::text::head(message, LONGEST)));
    let message = cut.as_deref().unwrap_or(message);
    match caller(lua) {
        Some((file, line)) => Error::RuntimeError(format!("{file}:{line}: {message}")),
        None => Error::RuntimeError(message.to_owned()),
    }
}

/// Whether an error must not be caught by Lua code.
pub(crate) fn is_fatal(error: &Error) -> bool {
    match error {
        Error::CallbackError { cause, .. } | Error::WithContext { cause, .. } => is_fatal(cause),
        Error::ExternalError(_) => error.downcast_ref::<Overdue>().is_some(),
        _ => false,
    }
}

/// The text of an error as Lua code sees it: `file:line: message`, without a stack trace.
pub(crate) fn text(error: &Error) -> String {
    match error {
        Error::CallbackError { cause, .. } | Error::BadArgument { cause, .. } => text(cause),
        Error::WithContext { context, cause } => format!("{context}: {}", text(cause)),
        Error::RuntimeError(message) | Error::MemoryError(message) | Error::SyntaxError { message, .. } => {
            without_trace(message).to_owned()
        }
        other => without_trace(&other.to_string()).to_owned(),
    }
}

/// An error as the kernel records it.
pub(crate) fn handler_error(error: &Error) -> HandlerError {
    let kind = kind(error);
    let text = text(error);
    let (place, message) = split_place(&text);
    let place = place.or_else(|| trace(error).and_then(first_place));
    let message = if kind == ErrorKind::Memory {
        "the extension's memory limit is reached".to_owned()
    } else {
        with_hint(message)
    };
    let mut found = HandlerError::new(message);
    found.kind = kind;
    if let Some((file, line)) = place {
        found.file = Some(file);
        found.line = Some(line);
    }
    found
}

fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::CallbackError { cause, .. } | Error::WithContext { cause, .. } => kind(cause),
        Error::MemoryError(_) => ErrorKind::Memory,
        Error::RuntimeError(message) if without_trace(message).ends_with("not enough memory") => {
            ErrorKind::Memory
        }
        Error::PreviouslyResumedPanic => ErrorKind::Panic,
        _ if is_fatal(error) => ErrorKind::Deadline,
        _ => ErrorKind::Error,
    }
}

fn trace(error: &Error) -> Option<&str> {
    match error {
        Error::CallbackError { traceback, .. } => Some(traceback),
        Error::RuntimeError(message) => message.split_once("\nstack traceback:").map(|(_, trace)| trace),
        Error::WithContext { cause, .. } => trace(cause),
        _ => None,
    }
}

fn without_trace(message: &str) -> &str {
    message.split_once("\nstack traceback:").map_or(message, |(head, _)| head).trim_end()
}

/// Splits `file:line: message`.
fn split_place(text: &str) -> (Option<(String, u32)>, &str) {
    for (at, _) in text.match_indices(':') {
        let rest = &text[at + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits == 0 || !rest[digits..].starts_with(':') {
            continue;
        }
        let Ok(line) = rest[..digits].parse() else { continue };
        return (Some((text[..at].to_owned(), line)), rest[digits + 1..].trim_start());
    }
    (None, text)
}

fn first_place(trace: &str) -> Option<(String, u32)> {
    trace.lines().map(str::trim).filter(|line| !GLUE.iter().any(|glue| line.starts_with(glue))).find_map(
        |line| {
            // `file:12`, or `file:12: in function <file:3>`.
            line.match_indices(':').find_map(|(at, _)| {
                let rest = &line[at + 1..];
                let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
                let ends = rest[end..].is_empty() || rest[end..].starts_with([':', ' ']);
                rest[..end].parse().ok().filter(|_| ends).map(|number| (line[..at].to_owned(), number))
            })
        },
    )
}

/// Adds what an author most likely needs to know.
fn with_hint(message: &str) -> String {
    let hint = if message.contains("attempt to index nil with 'nvim_") || message.contains("global 'vim'") {
        "Neovim's `vim` table is not there; `purlin` has `buf`, `win`, `keymap` and `command`"
    } else if message.contains("attempt to yield across") {
        "this place cannot wait; start the work with `purlin.spawn(fn)`"
    } else {
        return message.to_owned();
    };
    format!("{message} ({hint})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_split_from_its_message() {
        assert_eq!(split_place("/a/b.lua:12: boom: 3"), (Some(("/a/b.lua".into(), 12)), "boom: 3"));
        assert_eq!(split_place("no place"), (None, "no place"));
        assert_eq!(split_place(r#"[string "x"]:1: eh"#), (Some((r#"[string "x"]"#.into(), 1)), "eh"));
    }

    #[test]
    fn the_first_place_of_a_trace_is_that_of_an_authors_code() {
        let first = |trace: &str| first_place(trace).map(|(file, line)| format!("{file}:{line}"));
        assert_eq!(first("lua:1: in function <lua:1>").as_deref(), Some("lua:1"));
        assert_eq!(first("[C] in error\n/a/b.lua:12 function f\n/a/b.lua:3").as_deref(), Some("/a/b.lua:12"));
        assert_eq!(first("purlin:glue:4\n/a/c:d.lua:7").as_deref(), Some("/a/c:d.lua:7"));
        assert_eq!(first("no place").as_deref(), None);
    }

    #[test]
    fn an_error_in_lua_carries_file_and_line() {
        let lua = Lua::new();
        let error =
            lua.load("local x = nil\nreturn x.y").set_name("@/ext/hello.lua").exec().expect_err("an error");
        let found = handler_error(&error);
        assert_eq!(found.file.as_deref(), Some("/ext/hello.lua"));
        assert_eq!(found.line, Some(2));
        assert!(found.message.contains("attempt to index nil"), "{}", found.message);
    }

    #[test]
    fn a_syntax_error_carries_file_and_line() {
        let lua = Lua::new();
        let error = lua.load("\n\nlocal = 3").set_name("@hello.lua").exec().expect_err("an error");
        let found = handler_error(&error);
        assert_eq!((found.file.as_deref(), found.line), (Some("hello.lua"), Some(3)));
    }
}
