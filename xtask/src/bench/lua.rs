//! The Lua side's rows, with what Neovim does beside them in the same run.

use std::path::Path;
use std::process::Command;

use super::report::{Bar, Row};
use crate::workspace::{Workspace, installed, output};

/// What the benchmark calls a value, what the table calls it, its unit, its bar, and Neovim's name for the like.
const VALUES: &[(&str, &str, &str, f64, Option<&str>)] = &[
    ("key_one", "key to 1 handler that reads two fields", "µs", 1.5, Some("autocmd_one")),
    ("key_twenty", "key to 20 handlers in one extension", "µs", 8.0, Some("autocmd_twenty")),
    ("key_twenty_extensions", "key to 20 handlers in twenty extensions", "µs", 20.0, None),
    ("set_text", "buf.set_text of 10 KB", "µs", 15.0, Some("set_lines")),
    ("insert", "buf.insert", "µs", 0.8, Some("set_text")),
    ("mark_set", "mark.set", "µs", 1.0, Some("set_extmark")),
    ("win_get", "win.get", "µs", 0.7, Some("win_get_config")),
    ("trie_key", "key through a trie of 500 maps, command included", "µs", 1.0, None),
    ("render_hook", "render hook that draws 60 lines of 4 spans", "µs", 400.0, None),
    ("renderer_percent", "a renderer at 30 frames a second, of a core", "%", 5.0, None),
    ("loop_stop", "an endless loop in a key handler, stopped after", "ms", 60.0, None),
    ("worst_host_call", "the worst host call found, stopped after", "ms", 500.0, None),
    ("load_200", "200 extensions with one handler each, loaded in", "ms", 300.0, None),
    ("load_kib_each", "memory of each of them", "KiB", 300.0, None),
];

/// Times of Neovim's own functions, one `name=value` a line.
const EDITOR: &str = r#"
local function time(name, n, fn)
  local best = math.huge
  for _ = 1, 9 do
    local start = vim.loop.hrtime()
    for i = 1, n do fn(i) end
    best = math.min(best, (vim.loop.hrtime() - start) / n / 1e3)
  end
  io.stdout:write(("%s=%.3f\n"):format(name, best))
end
local api = vim.api
local function handlers(count)
  for _ = 1, count do
    api.nvim_create_autocmd("User", { pattern = "Bench" .. count, callback = function(ev) local a, b = ev.match, ev.event end })
  end
  return function() api.nvim_exec_autocmds("User", { pattern = "Bench" .. count }) end
end
time("autocmd_one", 5000, handlers(1))
time("autocmd_twenty", 1000, handlers(20))
local lines = {}
for i = 1, 100 do lines[i] = ("0123456789"):rep(10) end
time("set_lines", 300, function() api.nvim_buf_set_lines(0, 0, -1, false, lines) end)
api.nvim_buf_set_lines(0, 0, -1, false, { "" })
time("set_text", 3000, function() api.nvim_buf_set_text(0, 0, 0, 0, 0, { "x" }) end)
local ns = api.nvim_create_namespace("bench")
time("set_extmark", 3000, function(i) api.nvim_buf_set_extmark(0, ns, 0, i % 100, {}) end)
time("win_get_config", 5000, function() return api.nvim_win_get_config(0) end)
"#;

/// Runs the benchmark of the Lua side, and Neovim beside it.
pub(super) fn rows(workspace: &Workspace, scratch: &Path) -> Vec<Row> {
    let said =
        output(&mut workspace.cargo(&["bench", "--quiet", "--package", "purlin-lua", "--bench", "lua"]))
            .map_err(|error| format!("{error:#}"));
    let editor = editor(scratch).unwrap_or_default();
    let value = |key: &str| -> Result<f64, String> {
        let said = said.as_ref().map_err(Clone::clone)?;
        find(said, key).ok_or_else(|| format!("no `{key}` in `{said}`"))
    };
    let mut rows: Vec<Row> = VALUES
        .iter()
        .map(|(key, name, unit, most, beside)| Row {
            name: format!("lua: {name}"),
            unit,
            bar: Bar::Most(*most),
            ours: value(key),
            editor: beside.and_then(|name| find(&editor, name)),
        })
        .collect();
    rows.push(Row {
        name: "lua: bombs of memory, marks and windows stopped at the quota, of 3".to_owned(),
        unit: "",
        bar: Bar::Least(3.0),
        ours: value("bombs_stopped"),
        editor: None,
    });
    rows
}

fn editor(scratch: &Path) -> Option<String> {
    if !installed("nvim") {
        return None;
    }
    let script = scratch.join("editor.lua");
    std::fs::write(&script, EDITOR).ok()?;
    let mut nvim = Command::new("nvim");
    nvim.args(["--headless", "--clean", "-c"])
        .arg(format!("luafile {}", script.display()))
        .args(["-c", "qa!"]);
    output(&mut nvim).ok()
}

fn find(said: &str, key: &str) -> Option<f64> {
    said.split_whitespace().find_map(|word| word.strip_prefix(key)?.strip_prefix('=')?.parse().ok())
}
