//! `cargo xtask layers`: the workspace's dependencies against the architecture's table.
//!
//! Tables say what may be: on which floor each of our crates stands, which one crate may name a heavy foreign
//! library, and what the portable crates must not name at all. A crate without a floor is a failure too, so that a
//! new crate gets its place before it gets its first dependency.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::workspace::{Workspace, output};

/// The floor of each crate of ours: a crate may use those of lower floors.
const FLOORS: &[(&str, u8)] = &[
    // Ground.
    ("purlin-notebook", 1),
    // Cores.
    ("purlin-kernel", 2),
    ("purlin-runtime-core", 2),
    // Adapters.
    ("purlin-agent", 3),
    ("purlin-lua", 3),
    ("purlin-runtime-browser", 3),
    ("purlin-runtime-native", 3),
    // Surfaces, and beside the house what serves only tests and developers.
    ("purlin", 4),
    ("purlin-server", 4),
    ("purlin-testkit", 4),
    ("purlin-tui", 4),
    ("xtask", 4),
];

/// What a crate may use on its own floor.
const BESIDE: &[(&str, &[&str])] =
    &[("purlin", &["purlin-server", "purlin-tui"]), ("purlin-lua", &["purlin-agent"])];

/// What uses no crate of ours, although there is a floor below.
const ALONE: &[&str] = &["purlin-kernel"];

/// Heavy foreign libraries and the crates that may name them.
const HOMES: &[(&str, &[&str])] = &[
    ("axum", &["purlin-server"]),
    ("clap", &["purlin"]),
    ("jsonschema", &["purlin-agent"]),
    ("mlua", &["purlin-lua"]),
    ("portable-pty", &["purlin-testkit", "purlin", "xtask"]),
    ("pulldown-cmark", &["purlin-kernel"]),
    ("reqwest", &["purlin-runtime-native"]),
    ("ropey", &["purlin-kernel"]),
    ("rusqlite", &["purlin-runtime-native"]),
    ("rustls", &["purlin-runtime-native"]),
    ("syntect", &["purlin-tui"]),
    ("termina", &["purlin-tui"]),
    ("two-face", &["purlin-tui"]),
    ("js-sys", &["purlin-runtime-browser"]),
    ("wasm-bindgen", &["purlin-runtime-browser"]),
    ("wasm-bindgen-futures", &["purlin-runtime-browser"]),
    ("web-sys", &["purlin-runtime-browser"]),
];

/// What the crates that compile for wasm from the same source never name, tests included where marked.
const PORTABLE: &[&str] = &["purlin-kernel", "purlin-notebook", "purlin-runtime-core"];
const NOT_PORTABLE: &[&str] = &["async-nats", "libc", "mio", "nix", "rustix", "socket2", "tokio"];

/// Test support: any crate may use it for its tests, none for anything else.
const TESTKIT: &str = "purlin-testkit";

struct Dependency {
    from: String,
    to: String,
    /// Whether only tests, benches and examples use it.
    dev: bool,
    /// Whether it is a crate of this workspace.
    ours: bool,
}

/// Checks the workspace as cargo describes it.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let metadata =
        output(&mut workspace.cargo(&["metadata", "--format-version", "1", "--no-deps", "--offline"]))?;
    let metadata: Value = serde_json::from_str(&metadata).context("cargo metadata is not JSON")?;
    let (crates, dependencies) = read(&metadata)?;
    let findings = judge(&crates, &dependencies);
    if findings.is_empty() {
        println!("layers: {} crates, {} dependencies, nothing points up", crates.len(), dependencies.len());
        return Ok(());
    }
    let mut message = String::from("the dependencies do not match the architecture");
    for finding in findings {
        write!(message, "\n  {finding}")?;
    }
    bail!(message)
}

fn read(metadata: &Value) -> Result<(Vec<String>, Vec<Dependency>)> {
    let mut crates = Vec::new();
    let mut dependencies = Vec::new();
    for package in metadata["packages"].as_array().context("cargo metadata names no packages")? {
        let from = package["name"].as_str().context("a package without a name")?;
        crates.push(from.to_owned());
        for dependency in package["dependencies"].as_array().into_iter().flatten() {
            dependencies.push(Dependency {
                from: from.to_owned(),
                to: dependency["name"].as_str().context("a dependency without a name")?.to_owned(),
                dev: dependency["kind"].as_str() == Some("dev"),
                ours: dependency["path"].is_string(),
            });
        }
    }
    Ok((crates, dependencies))
}

fn judge(crates: &[String], dependencies: &[Dependency]) -> Vec<String> {
    let mut findings: Vec<String> = crates
        .iter()
        .filter(|name| floor(name).is_none())
        .map(|name| format!("`{name}` has no place in the table of layers (xtask/src/layers.rs)"))
        .collect();
    findings.extend(dependencies.iter().filter_map(|dependency| {
        if dependency.ours { judge_arrow(dependency) } else { judge_foreign(dependency) }
    }));
    findings
}

fn judge_arrow(dependency: &Dependency) -> Option<String> {
    let Dependency { from, to, dev, .. } = dependency;
    if to == TESTKIT {
        return (!dev).then(|| format!("`{from}` uses `{to}` outside its tests"));
    }
    // A crate without a floor is a finding of its own.
    let below = floor(to)? < floor(from)? && !ALONE.contains(&from.as_str());
    let beside = row(BESIDE, from).is_some_and(|beside| beside.contains(&to.as_str()));
    (!below && !beside).then(|| format!("`{from}` may not use `{to}`: the architecture draws no such arrow"))
}

fn floor(name: &str) -> Option<u8> {
    FLOORS.iter().find(|(known, _)| *known == name).map(|(_, floor)| *floor)
}

fn judge_foreign(dependency: &Dependency) -> Option<String> {
    let Dependency { from, to, dev, .. } = dependency;
    // The tools of terminal tests are heavy, but a test is where they belong.
    if *dev && matches!(to.as_str(), "portable-pty" | "vt100") {
        return None;
    }
    if let Some(homes) = row(HOMES, to)
        && !homes.contains(&from.as_str())
    {
        return Some(format!("`{from}` names `{to}`, whose home is `{}`", homes.join("`, `")));
    }
    let portable = PORTABLE.contains(&from.as_str()) && NOT_PORTABLE.contains(&to.as_str());
    (portable && !dev).then(|| {
        format!("`{from}` names `{to}`, but it must compile for wasm and take such things from its host")
    })
}

fn row<'a>(table: &'a [(&str, &'a [&'a str])], name: &str) -> Option<&'a [&'a str]> {
    table.iter().find(|(key, _)| *key == name).map(|(_, values)| *values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependency(from: &str, to: &str, dev: bool) -> Dependency {
        Dependency { from: from.into(), to: to.into(), dev, ours: to.starts_with("purlin") }
    }

    #[test]
    fn arrows_are_judged() {
        // (from, to, only for tests, may be)
        let table = [
            ("purlin-runtime-core", "purlin-notebook", false, true),
            ("purlin-lua", "purlin-agent", false, true),
            ("purlin-agent", "purlin-lua", false, false),
            ("purlin-kernel", "purlin-notebook", false, false),
            ("purlin-kernel", "purlin-notebook", true, false),
            ("purlin-tui", "purlin", false, false),
            ("purlin", "purlin-tui", false, true),
            ("purlin-agent", "purlin-runtime-native", false, false),
            ("purlin-kernel", "purlin-testkit", true, true),
            ("purlin-kernel", "purlin-testkit", false, false),
            ("purlin-lua", "mlua", false, true),
            ("purlin-agent", "mlua", true, false),
            ("purlin-agent", "reqwest", false, false),
            ("purlin-kernel", "tokio", false, false),
            ("purlin-kernel", "tokio", true, true),
            ("purlin-tui", "vt100", true, true),
        ];
        for (from, to, dev, allowed) in table {
            let findings = judge(&[], &[dependency(from, to, dev)]);
            assert_eq!(findings.is_empty(), allowed, "{from} -> {to} (dev: {dev}): {findings:?}");
        }
    }

    #[test]
    fn an_unknown_crate_is_a_finding() {
        assert_eq!(judge(&["purlin-attic".into()], &[]).len(), 1);
    }
}
