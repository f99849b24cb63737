//! `docs/reference.md` is made from the declarations of hooks and Lua functions, and must not fall behind them.
//!
//! `cargo xtask reference` writes the page; this test compares it.

use std::fmt::Write as _;
use std::path::Path;

use purlin_kernel::{Combine, HookDecl, HookMode};
use purlin_lua::{ApiFn, Need, Ty};

const HEAD: &str = "# Reference: hooks and the Lua API

This page is made from the declarations in the source by `cargo xtask reference`; a test compares the two. How extensions
are written is told in `extensions.md`.

";

#[test]
fn the_reference_is_up_to_date() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference.md");
    let page = page();
    if std::env::var_os("PURLIN_WRITE_REFERENCE").is_some() {
        std::fs::write(&file, page).expect("the page can be written");
        return;
    }
    let written = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(written == page, "docs/reference.md is behind the declarations: run `cargo xtask reference`");
}

fn page() -> String {
    let mut page = String::from(HEAD);
    page.push_str("## Hooks\n\nRegistered with `purlin.on(name, fn)`. *Waits*: a handler may wait, for a dialog or a process.\n");
    let kernel = purlin_kernel::hooks::terminal::ALL.iter().copied();
    let terminal = purlin_tui::hooks::ALL.iter().copied();
    for hook in kernel.chain(terminal).chain(purlin_agent::hooks::all()) {
        render_hook(hook, &mut page);
    }
    page.push_str("\n## Functions\n\nAll of them on the table that `require(\"purlin\")` answers. *Waits*: only where a coroutine can.\n");
    for function in purlin_lua::functions() {
        render_function(function, &mut page);
    }
    page
}

fn render_hook(hook: &HookDecl, page: &mut String) {
    let _ = write!(page, "\n### `{}`\n\n{}", hook.name, hook.doc);
    if !hook.aliases.is_empty() {
        let _ = write!(page, " Also called `{}`.", hook.aliases.join("`, `"));
    }
    if hook.mode == HookMode::Async {
        page.push_str(" Waits.");
    }
    if hook.closed {
        page.push_str(" An error in a handler refuses the action.");
    }
    page.push('\n');
    for (index, field) in hook.payload.iter().enumerate() {
        let space = if index == 0 { "\n" } else { "" };
        let _ = writeln!(page, "{space}- `{}` ({}): {}", field.name, field.ty.name(), field.doc);
    }
    for (index, field) in hook.answer.iter().enumerate() {
        let space = if index == 0 { "\nAnswer:\n\n" } else { "" };
        let _ =
            writeln!(page, "{space}- `{}` ({}): {}", field.name, field.ty.name(), combined(field.combine));
    }
}

fn combined(combine: Combine) -> &'static str {
    match combine {
        Combine::Stop => "the first answer decides",
        Combine::Mark => "suppresses the default action; later handlers still run",
        Combine::Replace => "each handler sees the value as the previous ones left it",
        Combine::Patch => "replaces this field; absent leaves it unchanged",
        Combine::Append => "all answers are kept, in order",
        Combine::Detail => "goes with the deciding field of the same answer",
    }
}

fn render_function(function: &ApiFn, page: &mut String) {
    let parameters: Vec<String> = function
        .params
        .iter()
        .map(|parameter| match parameter.need {
            Need::Required => parameter.name.to_owned(),
            Need::Optional | Need::Skippable => format!("{}?", parameter.name),
            Need::Rest => format!("{}...", parameter.name),
        })
        .collect();
    let _ = write!(page, "\n### `purlin.{}({})`", function.name, parameters.join(", "));
    if !function.returns.is_empty() {
        let _ = write!(page, " → `{}`", function.returns);
    }
    let _ = write!(page, "\n\n{}", function.doc);
    if function.waits() {
        page.push_str(" Waits.");
    }
    page.push('\n');
    for (index, parameter) in function.params.iter().enumerate() {
        let space = if index == 0 { "\n" } else { "" };
        let doc = if parameter.doc.is_empty() { String::new() } else { format!(": {}", parameter.doc) };
        let _ =
            writeln!(page, "{space}- `{}` ({}){doc}", parameter.name, purlin_lua::describe(&parameter.ty));
        options(&parameter.ty, page);
    }
    for (index, error) in function.errors.iter().enumerate() {
        let _ = write!(page, "{}{error}", if index == 0 { "\nRaises: " } else { " " });
    }
    if !function.errors.is_empty() {
        page.push('\n');
    }
    // The tests of `purlin-lua` run every example, so `cargo xtask docs` need not load it once more.
    let _ = write!(page, "\n```lua fragment\n{}\n```\n", function.example);
}

/// The keys of an options table, also inside alternatives.
fn options(ty: &Ty, page: &mut String) {
    match ty {
        Ty::Options(options) => {
            for option in *options {
                let _ = writeln!(
                    page,
                    "  - `{}` ({}): {}",
                    option.name,
                    purlin_lua::describe(&option.ty),
                    option.doc
                );
            }
        }
        Ty::Either(types) => types.iter().for_each(|ty| self::options(ty, page)),
        _ => {}
    }
}
