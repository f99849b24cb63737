//! `docs/runtimes.md` shows the flags there are, the example as it is, and every exit code.

use purlin::runtimes::{AGENT_FLAGS, FLAGS};
use purlin_runtime_native::serve::{self, Flag};

const PAGE: &str = include_str!("../../../docs/runtimes.md");
const EXAMPLE: &str = include_str!("../../../examples/runtime_uppercase.rs");

/// A flag as the first column of a table names it.
fn name(flag: &Flag) -> String {
    let short = flag.short.map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let value = flag.value.map(|value| format!(" {value}")).unwrap_or_default();
    format!("{short}`--{}{value}`", flag.long)
}

/// The rows of the tables of the section whose first cell names a flag.
fn documented() -> Vec<String> {
    let section = PAGE.split("### Command line and environment\n").nth(1).expect("a section");
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter(|line| line.starts_with("| `-")).map(str::to_owned).collect()
}

#[test]
fn the_flags_of_the_page_are_the_flags_there_are() {
    let with_variables = serve::FLAGS.iter().map(|flag| {
        let variables: Vec<String> = flag.variables.iter().map(|name| format!("`{name}`")).collect();
        let variables =
            if variables.is_empty() { " ".to_owned() } else { format!(" {} ", variables.join(", ")) };
        format!("| {} |{variables}| {} |", name(flag), flag.help)
    });
    let further = FLAGS.iter().chain(AGENT_FLAGS).map(|flag| format!("| {} | {} |", name(flag), flag.help));
    assert_eq!(documented(), with_variables.chain(further).collect::<Vec<_>>());
}

#[test]
fn the_example_of_the_page_is_the_example_that_runs_and_short() {
    assert!(
        PAGE.contains(&format!("```rust\n{EXAMPLE}```\n")),
        "copy `examples/runtime_uppercase.rs` into the page"
    );
    assert!(EXAMPLE.lines().count() <= 60);
}

#[test]
fn the_exit_codes_of_the_help_are_on_the_page() {
    for code in ["| 0 |", "| 1 |", "| 2 |", "| 3 |", "| 129, 130, 143 |"] {
        assert!(PAGE.contains(code), "{code}");
    }
}
