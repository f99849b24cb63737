//! How the help of a command line is set for the width at hand: no word is broken, and what describes an option has room.

use purlin_kernel::text::{Span, line_plain, width, wrap_line};
use rustix::termios::tcgetwinsize;

/// Columns of a page that nobody sees at once.
const ELSEWHERE: usize = 100;
/// A page is not made wider: long lines are hard to follow.
const WIDEST: usize = 120;
/// A page is not made narrower: a name takes so much.
const NARROWEST: usize = 20;
/// A description has at least so many columns beside its option; where it had fewer it stands below.
const READABLE: usize = 40;

/// Returns the columns of standard output: those of its terminal, or a hundred where it is none.
pub fn columns() -> usize {
    let stdout = std::io::stdout();
    let columns = tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
    if columns == 0 { ELSEWHERE } else { columns.clamp(NARROWEST, WIDEST) }
}

/// Sets prose: each line is wrapped, and goes on below its own indentation; a line of an example a little further in.
pub fn prose(text: &str, columns: usize) -> String {
    let mut page = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let hanging = if indent == 0 { 0 } else { indent + 4 };
        put(&mut page, line, columns, hanging);
    }
    page
}

/// Sets entries of a list, such as options with their descriptions: in two columns where the second has room, else each
/// description below its entry.
pub fn entries(rows: &[(String, String)], columns: usize) -> String {
    let left = rows.iter().map(|(left, _)| width(left)).max().unwrap_or(0);
    let beside = left + 4;
    let mut page = String::new();
    for (entry, about) in rows {
        if beside + READABLE <= columns {
            let gap = " ".repeat(left - width(entry));
            put(&mut page, &format!("  {entry}{gap}  {about}"), columns, beside);
        } else {
            put(&mut page, &format!("  {entry}"), columns, 6);
            let indent = if columns < 48 { 4 } else { 10 };
            put(&mut page, &format!("{:indent$}{about}", ""), columns, indent);
        }
    }
    page
}

/// Adds a line, wrapped, with `hanging` blanks before what follows its first row.
fn put(page: &mut String, line: &str, columns: usize, hanging: usize) {
    let hanging = [Span::from(" ".repeat(hanging))];
    for row in wrap_line(&[Span::from(line.to_owned())], columns.max(1), &hanging) {
        page.push_str(line_plain(&row).trim_end());
        page.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<(String, String)> {
        let row = |left: &str, about: &str| (left.to_owned(), about.to_owned());
        vec![
            row("-n, --notebook <ID>", "The session to serve, or a part of its id that no other has"),
            row("    --cwd <DIR>", "Works in this directory"),
        ]
    }

    #[test]
    fn a_wide_page_has_two_columns() {
        assert_eq!(
            entries(&rows(), 72),
            "  -n, --notebook <ID>  The session to serve, or a part of its id that no\n                       other has\n      \
             --cwd <DIR>      Works in this directory\n"
        );
    }

    #[test]
    fn a_narrow_page_has_descriptions_below_their_options() {
        assert_eq!(
            entries(&rows(), 40),
            "  -n, --notebook <ID>\n    The session to serve, or a part of\n    its id that no other has\n      \
             --cwd <DIR>\n    Works in this directory\n"
        );
    }

    #[test]
    fn an_example_goes_on_further_in() {
        assert_eq!(
            prose("Examples:\n  purlin store check 3f2a", 20),
            "Examples:\n  purlin store check\n      3f2a\n"
        );
        assert_eq!(prose("one two\n\nthree", 5), "one\ntwo\n\nthree\n");
    }
}
