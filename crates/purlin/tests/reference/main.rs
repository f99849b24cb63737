//! `docs/lua/reference` and `docs/lua/stubs` are made from the declarations of hooks and Lua functions.
//!
//! `cargo xtask reference` writes the files; this test compares them.

mod contract;
mod limits;
mod luacats;
mod luau;
mod pages;
mod types;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use purlin_kernel::HookDecl;

/// The generated files by their path below `docs/lua`.
pub type Pages = BTreeMap<String, String>;

/// Every hook, in the order of the reference.
pub fn hooks() -> impl Iterator<Item = &'static HookDecl> {
    let kernel = purlin_kernel::hooks::terminal::ALL.iter().copied();
    let terminal = purlin_tui::hooks::ALL.iter().copied();
    let program = purlin::hooks::ALL.iter().copied();
    kernel.chain(terminal).chain(purlin_agent::hooks::all()).chain(program)
}

/// The name of the class of a hook's event: `tool_call` is `ToolCall`.
pub fn class_of(hook: &str) -> String {
    let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
    hook.split('_').filter(|word| !word.is_empty()).map(capital).collect()
}

/// Reads the parameters of a shape's method.
pub fn params_of(text: &str) -> Vec<(String, types::Type)> {
    if text.is_empty() {
        return Vec::new();
    }
    match types::one(&format!("{{ {text} }}")) {
        Ok(types::Type::Record(fields)) => fields,
        other => panic!("`{text}` is not a list of parameters: {other:?}"),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/lua")
}

fn generated() -> Pages {
    let mut pages = Pages::new();
    pages::write(&mut pages);
    luacats::write(&mut pages);
    luau::write(&mut pages);
    pages
}

/// The files that are there, of the folders that hold nothing else than generated ones.
fn written() -> Pages {
    let mut pages = Pages::new();
    for kind in ["reference", "stubs"] {
        for entry in std::fs::read_dir(folder().join(kind)).into_iter().flatten().flatten() {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            pages.insert(format!("{kind}/{}", entry.file_name().to_string_lossy()), text);
        }
    }
    pages
}

#[test]
fn the_reference_is_up_to_date() {
    let pages = generated();
    if std::env::var_os("PURLIN_WRITE_REFERENCE").is_some() {
        for kind in ["reference", "stubs"] {
            let folder = folder().join(kind);
            // It may not be there yet.
            let _ = std::fs::remove_dir_all(&folder);
            std::fs::create_dir_all(&folder).expect("the folder can be made");
        }
        for (path, text) in pages {
            std::fs::write(folder().join(path), text).expect("the page can be written");
        }
        return;
    }
    let behind: Vec<String> = {
        let written = written();
        let all = pages.keys().chain(written.keys());
        let mut behind: Vec<String> =
            all.filter(|path| pages.get(*path) != written.get(*path)).cloned().collect();
        behind.dedup();
        behind
    };
    assert!(behind.is_empty(), "behind the declarations: {behind:?}; run `cargo xtask reference`");
}

/// Every stub compiles: editors read what is at least the language.
#[test]
fn the_stubs_are_lua() {
    let pages = generated();
    let luau = pages["stubs/purlin.d.luau"]
        .lines()
        .map(|line| match line.strip_prefix("declare ") {
            Some(rest) => format!("local {rest} = nil :: any\n"),
            None => format!("{line}\n"),
        })
        .collect::<String>();
    for (name, source) in [("purlin.lua", pages["stubs/purlin.lua"].as_str()), ("purlin.d.luau", &luau)] {
        purlin_lua::syntax(source).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
