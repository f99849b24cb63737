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
    let Err(purlin::args::Stop::Text(help)) = purlin::args::parse(["purlin".into(), "--help".into()]) else {
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
