//! What an author most likely needs to know, from the line where it went wrong.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use purlin_kernel::HandlerError;

use crate::api::functions;

/// Only so much of a file is looked through for the line.
const MAX_SOURCE: u64 = 4 * 1024 * 1024;

/// Adds a hint to an error where its line of source gives one.
///
/// `typed` is the source where it comes from no file.
pub(crate) fn add(error: &mut HandlerError, typed: Option<&str>) {
    let about_nil = ["attempt to call a nil value", "attempt to index nil with"];
    let is_nil = about_nil.iter().any(|part| error.message.contains(part));
    let is_statement = error.message.contains("Incomplete statement");
    let Some(line) = error.line.filter(|_| is_nil || is_statement) else { return };
    let text = match (typed, &error.file) {
        (Some(source), _) => source.lines().nth(line.saturating_sub(1) as usize).map(str::to_owned),
        (None, Some(file)) => read_line(Path::new(file), line),
        (None, None) => None,
    };
    let Some(text) = text else { return };
    let hint = if is_statement {
        let jumps = text.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == "goto");
        jumps.then(|| "Luau has no `goto`; use `continue` or a loop".to_owned())
    } else {
        unknown_name(&text)
    };
    if let Some(hint) = hint {
        error.message = format!("{} ({hint})", error.message);
    }
}

fn read_line(path: &Path, line: u32) -> Option<String> {
    let file =
        std::fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|found| found.is_file()))?;
    let lines = BufReader::new(file.take(MAX_SOURCE)).lines();
    lines.map_while(Result::ok).nth(line.checked_sub(1)? as usize)
}

/// The first `purlin.a.b` in a line of source that is no function and no namespace.
fn unknown_name(line: &str) -> Option<String> {
    let mut rest = line;
    while let Some(at) = rest.find("purlin.") {
        let before = rest[..at].chars().next_back();
        let tail = &rest[at + "purlin.".len()..];
        let end =
            tail.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.').unwrap_or(tail.len());
        let name = tail[..end].trim_end_matches('.');
        rest = &tail[end..];
        let is_word = before.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
        let known = functions().any(|declared| declared.name == name || declared.namespace() == name);
        if !is_word || name.is_empty() || known || ["null", "version", "api_level", "args"].contains(&name) {
            continue;
        }
        let names: Vec<&str> = functions().map(|declared| declared.name).collect();
        return Some(match purlin_kernel::nearest(name, names.iter().copied()) {
            Some(near) => format!("there is no `purlin.{name}`; did you mean `purlin.{near}`?"),
            None => format!("there is no `purlin.{name}`"),
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::unknown_name;

    #[test]
    fn the_first_unknown_name_is_found() {
        let table = [
            (
                "purlin.buf.inser('x')",
                Some("there is no `purlin.buf.inser`; did you mean `purlin.buf.insert`?"),
            ),
            ("local x = purlin.buf.get_text('x')", None),
            ("my_purlin.buf.inser()", None),
            (
                "if purlin.null then purlin.nothing_like_it.at_all() end",
                Some("there is no `purlin.nothing_like_it.at_all`"),
            ),
        ];
        for (line, expected) in table {
            assert_eq!(unknown_name(line).as_deref(), expected, "{line}");
        }
    }
}
