//! `docs/configuration.md` names every setting and every flag, and no setting that does not exist.

use purlin::config::{DECLARED, Shape};

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// The rows of the page's table of settings, as name and the column of what a project may set.
fn documented() -> Vec<(String, bool)> {
    let section =
        PAGE.split("\n## ").find(|section| section.starts_with("Settings\n")).expect("a section of settings");
    section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
            let name = cells.next()?.trim_end_matches('`').to_owned();
            Some((name, cells.nth(1)? == "yes"))
        })
        .collect()
}

#[test]
fn the_settings_of_the_page_are_the_settings_there_are() {
    let declared: Vec<(String, bool)> =
        DECLARED.iter().map(|declared| (declared.path.to_owned(), declared.project)).collect();
    assert_eq!(documented(), declared);
}

#[test]
fn every_word_of_a_choice_is_on_the_page() {
    for declared in DECLARED {
        let Shape::Choice(words) = declared.shape else { continue };
        let row =
            PAGE.lines().find(|line| line.starts_with(&format!("| `{}` |", declared.path))).expect("a row");
        for word in words {
            assert!(row.contains(&format!("`{word}`")), "{}: {word}", declared.path);
        }
    }
}

#[test]
fn every_flag_of_the_help_is_on_the_page() {
    let Err(purlin::args::Stop::Text(help)) = purlin::args::parse(["purlin".into(), "--help".into()], 100)
    else {
        panic!("no help")
    };
    let flags = help
        .split_whitespace()
        .filter(|word| word.starts_with("--"))
        .map(|word| word.trim_end_matches([',', '`']));
    for flag in flags.filter(|flag| !matches!(*flag, "--help" | "--version")) {
        assert!(
            PAGE.contains(&format!("`{flag}")) || PAGE.contains(&format!(", `{flag}")),
            "{flag} is not on the page"
        );
    }
}

/// The page about sessions and their files.
const STORE: &str = include_str!("../../../docs/store.md");

/// The help of a command line.
fn help(words: &[&str]) -> String {
    let line = std::iter::once("purlin").chain(words.iter().copied()).chain(["--help"]);
    match purlin::args::parse(line.map(Into::into), 120) {
        Err(purlin::args::Stop::Text(help)) => help,
        other => panic!("{words:?} has no help: {other:?}"),
    }
}

/// The commands below a command, as its help lists them.
fn commands(parent: &str) -> Vec<String> {
    let help = help(&[parent]);
    let listed = help.split("Commands:\n").nth(1).expect("a list of commands");
    listed
        .lines()
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn the_page_about_the_store_has_every_command_with_every_flag() {
    for parent in ["session", "store"] {
        let commands = commands(parent);
        assert!(!commands.is_empty());
        for command in commands {
            let row = STORE
                .lines()
                .find(|line| line.starts_with(&format!("| `{parent} {command}")))
                .unwrap_or_else(|| panic!("`{parent} {command}` is not on the page"));
            let help = help(&[parent, &command]);
            let options = help.split("Options:\n").nth(1).expect("options");
            let flags = options
                .lines()
                .take_while(|line| !line.is_empty())
                .flat_map(|line| line.split_whitespace().take(2))
                .filter(|word| word.starts_with("--"));
            for flag in flags.filter(|flag| !matches!(*flag, "--help" | "--cwd" | "--config")) {
                assert!(row.contains(&format!("`{flag}")), "{flag} is missing in: {row}");
            }
        }
    }
}

#[test]
fn the_page_about_the_store_names_no_command_that_does_not_exist() {
    for row in STORE.lines().filter_map(|line| line.strip_prefix("| `")) {
        for parent in ["session", "store"] {
            let Some(rest) = row.strip_prefix(&format!("{parent} ")) else { continue };
            let command = rest.split([' ', '`']).next().unwrap_or_default();
            assert!(commands(parent).iter().any(|known| known == command), "`{parent} {command}`");
        }
    }
}
