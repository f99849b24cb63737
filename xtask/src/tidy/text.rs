//! Rules for text of any kind: nothing that holds on one machine only.

use std::path::Path;

use super::Finding;

/// Whether a file is text that people write; lock files name their sources by nature.
pub(super) fn is_text(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    // What a fuzzer has found is any bytes.
    if matches!(name, "Cargo.lock" | "package-lock.json") || file.starts_with("fuzz/corpus") {
        return false;
    }
    let extension = file.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    matches!(
        extension,
        "" | "html"
            | "js"
            | "json"
            | "lua"
            | "luau"
            | "md"
            | "mjs"
            | "rs"
            | "sh"
            | "toml"
            | "ts"
            | "tsx"
            | "yml"
    )
}

/// Finds hosts of package registries, paths of one machine, and unresolved merges.
pub(super) fn check(content: &str) -> Vec<Finding> {
    // Written in two halves, so that this file does not find itself.
    let hosts = [
        ("crates", ".io"),
        ("registry.npmjs", ".org"),
        ("npmjs", ".com"),
        ("pypi", ".org"),
        ("proxy.golang", ".org"),
    ];
    let paths = [("/ro", "ot/"), ("/wo", "rk/"), ("/home", "/user/")];
    let mut findings = Vec::new();
    for (index, line) in content.lines().enumerate() {
        let named = |(head, tail): &(&str, &str)| line.contains(&format!("{head}{tail}"));
        if hosts.iter().any(named) {
            findings.push(Finding::new(index + 1, "names the host of a package registry"));
        }
        if paths.iter().any(named) {
            findings.push(Finding::new(index + 1, "names a path of one machine"));
        }
        if line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ") {
            findings.push(Finding::new(index + 1, "is the mark of an unresolved merge"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn machine_paths_and_hosts_are_found() {
        let table = [
            (concat!("see /wo", "rk/main"), 1),
            (concat!("https://crates", ".io/crates/x"), 1),
            ("https://docs.rs/x", 0),
            ("network/work", 0),
        ];
        for (line, findings) in table {
            assert_eq!(check(line).len(), findings, "{line}");
        }
    }
}
