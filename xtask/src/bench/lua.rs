//! The Lua side's rows, with what Neovim does beside them in the same run.

use std::path::Path;
use std::process::Command;

use super::report::{Bar, Row};
use crate::workspace::{Workspace, installed, output};

/// What the benchmark calls a value, what the table calls it, its unit, its bar, and Neovim's name for the like.
type Value = (&'static str, &'static str, &'static str, Option<f64>, Option<&'static str>);

const VALUES: &[Value] = &[
    ("key_one", "key to 1 handler that reads two fields", "µs", Some(1.5), Some("autocmd_one")),
    ("key_twenty", "key to 20 handlers in one extension", "µs", Some(8.0), Some("autocmd_twenty")),
    ("key_twenty_extensions", "key to 20 handlers in twenty extensions", "µs", Some(20.0), None),
    ("bare_call", "a bare call into the interpreter, two fields read", "µs", None, None),
    ("bare_host_call", "a bare call out of it, three arguments", "µs", None, None),
    ("set_text", "buf.set_text of 10 KB", "µs", Some(15.0), Some("set_lines")),
    ("insert", "buf.insert", "µs", Some(0.8), Some("set_text")),
    ("mark_set", "mark.set", "µs", Some(1.0), Some("set_extmark")),
    ("win_get", "win.get", "µs", Some(0.7), Some("win_get_config")),
    ("trie_key", "key through a trie of 500 maps, command included", "µs", Some(1.0), Some("mapped_keys")),
    ("render_hook", "render hook that draws 60 lines of 4 spans", "µs", Some(400.0), Some("draw_lines")),
    ("loop_stop", "an endless loop in a key handler, stopped after", "ms", Some(60.0), None),
    ("worst_host_call", "the worst host call found, stopped after", "ms", Some(500.0), None),
    ("host_calls", "host calls that were tried for it", "", None, None),
    ("load_200", "200 extensions with one handler each, loaded in", "ms", Some(300.0), Some("load_files")),
    ("load_kib_each", "memory of each of them", "KiB", Some(300.0), None),
];

/// Times of Neovim's own functions, one `name=value` a line.
const EDITOR: &str = r#"
local function time(name, n, fn, parts)
  local best = math.huge
  for _ = 1, 9 do
    local start = vim.loop.hrtime()
    for i = 1, n do fn(i) end
    best = math.min(best, (vim.loop.hrtime() - start) / n / 1e3)
  end
  io.stdout:write(("%s=%.3f\n"):format(name, best / (parts or 1)))
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
for first in ("abdefghijklmnopqrstuvwxyz"):gmatch(".") do
  for second in ("abcdefghijklmnopqrst"):gmatch(".") do
    api.nvim_set_keymap("n", "<C-" .. first .. ">" .. second, "<Cmd>let g:pressed = 1<CR>", {})
  end
end
local keys = api.nvim_replace_termcodes("<C-b>d", true, true, true)
time("mapped_keys", 2000, function() api.nvim_feedkeys(keys, "mx", false) end, 2)
local page, spans = {}, { "one two three ", "four five six ", "seven eight ", "nine ten" }
for row = 1, 60 do page[row] = table.concat(spans) end
local drawn = api.nvim_create_namespace("drawn")
time("draw_lines", 50, function()
  api.nvim_buf_set_lines(0, 0, -1, false, page)
  api.nvim_buf_clear_namespace(0, drawn, 0, -1)
  for row = 0, 59 do
    local from = 0
    for _, text in ipairs(spans) do
      api.nvim_buf_set_extmark(0, drawn, row, from, { end_col = from + #text, hl_group = "Comment" })
      from = from + #text
    end
  end
end)
local folder = vim.fn.tempname()
vim.fn.mkdir(folder, "p")
for i = 1, 200 do
  local file = io.open(folder .. "/e" .. i .. ".lua", "w")
  file:write("vim.api.nvim_create_autocmd('User', { pattern = 'Loaded', callback = function(ev) return ev.match == 'x' end })")
  file:close()
end
local start = vim.loop.hrtime()
for i = 1, 200 do dofile(folder .. "/e" .. i .. ".lua") end
io.stdout:write(("load_files=%.1f\n"):format((vim.loop.hrtime() - start) / 1e6))
vim.fn.delete(folder, "rf")
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
            bar: most.map_or(Bar::None, Bar::Most),
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
