//! The reference pages: one for the hooks, one for each namespace.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use purlin_kernel::{Combine, DeadlineClass, HookDecl, HookMode, Limits};
use purlin_lua::{ApiFn, Method, Need, SHAPES, Shape, Ty};

use crate::{Pages, hooks, limits};

/// What holds for every hook.
const HOOK_RULES: &str = "
`purlin.on(name, [opts,] fn)` registers a handler; it is called as `fn(ev, ctx)` and answers nothing, `true` (the same as
`{ consume = true }`), or a table. *Waits*: a handler may wait, for a dialog or a process.

Every event has, beside the fields listed for its hook:

- `name`, and `payload` (also `data`): all fields in one table. `pairs(ev)`, `for name, value in ev` and `purlin.inspect(ev)` go through the fields as well.
- `consumed`: whether the default action is suppressed already; `source`: who emitted an event of an extension's own.
- `working`, `focus { kind, window, buffer, role }`, `context { mode, cwd, session_id, working }`.
- `composer`, `buffers`, `windows`, `layout`: views that are read when they are used.
- `stop()` ends the phase, `consume()` suppresses the default action, `copy()` keeps the event beyond the handler.

`ctx` is a [`Context`](objects.md#context). Assigning to a field that is part of the answer, such as `ev.text`, answers it.

Handlers run by phase (`early`, `normal`, `final`), then by priority (higher first), then in the order in which extensions and handlers were
registered. Each field of an answer says how several answers become one:

| | |
|---|---|
| the first answer decides | and ends the phases `early` and `normal`; handlers of the phase `final` still run, see the result and may still block |
| suppresses the default action | later handlers run and see `ev.consumed` |
| each handler sees the value as the previous ones left it | the last value counts |
| replaces this field | the same, field by field; a field left out stays as it is |
| all answers are kept | in order, each labelled with its extension |
| goes with the deciding field | counts only together with it |

A hook without an answer only observes: what a handler returns is said once as a mistake.
";

/// Where a page comes from.
pub const MADE: &str = "\nThis page is made from the declarations in the source by `cargo xtask reference`; a test compares the two.\n";

/// Writes every page.
pub fn write(pages: &mut Pages) {
    let mut namespaces: BTreeMap<&str, Vec<&ApiFn>> = BTreeMap::new();
    for function in purlin_lua::functions() {
        namespaces.entry(function.namespace()).or_default().push(function);
    }
    pages.insert("reference/README.md".into(), index(&namespaces));
    pages.insert("reference/hooks.md".into(), hook_page());
    pages.insert("reference/objects.md".into(), object_page());
    pages.insert("reference/limits.md".into(), limits::page());
    for (namespace, functions) in &namespaces {
        pages.insert(format!("reference/{}.md", file(namespace)), namespace_page(namespace, functions));
    }
}

fn file(namespace: &str) -> &str {
    if namespace.is_empty() { "purlin" } else { namespace }
}

fn full(namespace: &str) -> String {
    if namespace.is_empty() { "purlin".into() } else { format!("purlin.{namespace}") }
}

fn index(namespaces: &BTreeMap<&str, Vec<&ApiFn>>) -> String {
    let mut page = format!("# Reference\n{MADE}\n");
    page.push_str("- [Hooks](hooks.md): what an extension may observe and change.\n");
    page.push_str("- [Objects](objects.md): the tables and objects that functions answer.\n");
    page.push_str("- [Limits](limits.md): how long extensions may compute, and how much they may own.\n");
    for (namespace, functions) in namespaces {
        let names: Vec<String> = functions
            .iter()
            .map(|f| format!("[`{}`]({}.md#{})", f.short_name(), file(namespace), anchor(f)))
            .collect();
        let _ = writeln!(page, "- [`{}`]({}.md): {}", full(namespace), file(namespace), names.join(" "));
    }
    page.push_str("\nPositions are zero-based, end-exclusive and count Unicode code points; lists are one-based; times are milliseconds.\n");
    page
}

/// A link to a function by its full name.
pub fn link(function: &ApiFn) -> String {
    format!("[`{}`]({}.md#{})", function.name, file(function.namespace()), anchor(function))
}

/// The anchor that Markdown viewers make of a function's heading.
fn anchor(function: &ApiFn) -> String {
    let heading = signature(function);
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() }).collect()
}

fn namespace_page(namespace: &str, functions: &[&ApiFn]) -> String {
    let mut page = format!("# `{}`\n{MADE}", full(namespace));
    if functions.iter().any(|function| function.waits()) {
        page.push_str(
            "\n*Waits*: only where a coroutine can, such as commands, tools, timers and hooks that wait.\n",
        );
    }
    for function in functions {
        render_function(function, &mut page);
    }
    page
}

fn hook_page() -> String {
    let mut page = format!("# Hooks\n{MADE}{HOOK_RULES}");
    hooks().for_each(|hook| render_hook(hook, &mut page));
    page
}

fn object_page() -> String {
    let mut page = format!("# Objects\n{MADE}");
    for shape in SHAPES {
        render_shape(shape, &mut page);
    }
    page
}

fn render_shape(shape: &Shape, page: &mut String) {
    let _ = writeln!(page, "\n## `{}`\n\n{}", shape.name, shape.doc);
    for (index, field) in shape.fields.iter().enumerate() {
        let space = if index == 0 { "\n" } else { "" };
        let _ = writeln!(page, "{space}- `{}` (`{}`): {}", field.name, field.ty, field.doc);
    }
    for (index, Method { name, params, returns, doc }) in shape.methods.iter().enumerate() {
        let space = if index == 0 { "\n" } else { "" };
        let answer = if returns.is_empty() { String::new() } else { format!(" → `{returns}`") };
        let _ = writeln!(page, "{space}- `:{name}({params})`{answer}: {doc}");
    }
}

fn render_hook(hook: &HookDecl, page: &mut String) {
    let _ = write!(page, "\n## `{}`\n\n{}", hook.name, hook.doc);
    if !hook.aliases.is_empty() {
        let _ = write!(page, " Also called `{}`.", hook.aliases.join("`, `"));
    }
    if hook.mode == HookMode::Async {
        page.push_str(" Waits.");
    }
    if hook.closed {
        page.push_str(" An error in a handler refuses the action.");
    }
    if hook.class != DeadlineClass::Main {
        let limit = Limits::default().of(hook.class);
        let _ = write!(page, " A handler is stopped after {} ms.", limit.hard_ms);
    }
    page.push('\n');
    for (index, field) in hook.payload.iter().enumerate() {
        let space = if index == 0 { "\n" } else { "" };
        let _ = writeln!(page, "{space}- `{}` ({}): {}", field.name, field.ty.name(), field.doc());
    }
    for (index, field) in hook.answer.iter().enumerate() {
        let space = if index == 0 { "\nAnswer:\n\n" } else { "" };
        let rule = if field.decides.is_empty() {
            combined(field.combine).to_owned()
        } else {
            format!("the first answer of `{}` decides", field.decides.join("`, `"))
        };
        let _ = writeln!(page, "{space}- `{}` ({}): {rule}", field.name, field.ty.name());
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

fn signature(function: &ApiFn) -> String {
    let parameters: Vec<String> = function
        .params
        .iter()
        .map(|parameter| match parameter.need {
            Need::Required => parameter.name.to_owned(),
            Need::Optional | Need::Skippable => format!("{}?", parameter.name),
            Need::Rest => format!("{}...", parameter.name),
        })
        .collect();
    format!("purlin.{}({})", function.name, parameters.join(", "))
}

fn render_function(function: &ApiFn, page: &mut String) {
    let _ = write!(page, "\n## `{}`\n\n{}", signature(function), function.doc);
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
    if !function.returns.is_empty() {
        let _ = writeln!(page, "\nAnswers `{}`.", function.returns);
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
                let (name, kind) = (option.name, purlin_lua::describe(&option.ty));
                let must = if option.required { ", required" } else { "" };
                let _ = writeln!(page, "  - `{name}` ({kind}{must}): {}", option.doc);
            }
        }
        Ty::Either(types) => types.iter().for_each(|ty| self::options(ty, page)),
        _ => {}
    }
}
