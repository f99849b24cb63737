-- Plays random editing sessions in Neovim and in the engine, and records those in which both agree:
--
--   nvim --headless -u NONE -i NONE -n -c 'luafile tests/record.lua'
--
-- in the folder of the extension. `cases.jsonl` gets a line for each session: the text, the cursor, the keys, and the text and
-- cursor after them. What differs is printed; README.md says which differences are known. SEED and N choose the sessions.

package.path = "?.lua;" .. package.path
local Engine, Text = require("engine"), require("text")

for option, value in pairs({
  autoindent = false, shiftwidth = 2, expandtab = true, startofline = true, joinspaces = false, timeout = false,
  tabstop = 8, wrap = false, comments = "", formatoptions = "",
}) do
  vim.o[option] = value
end
vim.api.nvim_set_keymap("n", "Y", "y$", { noremap = true })
math.randomseed(tonumber(os.getenv("SEED") or "1"))

local pieces = {
  "foo", "bar", " ", "  ", "\n", "\n\n", "x", "(a b)", "\"q w\"", ",", ".", "_z", "[1]", "{", "}", "é日", "\t", "a-b", "    in",
  "(", "'s t'", "one two",
}
local commands = {
  "h", "l", "j", "k", "w", "b", "e", "W", "B", "E", "0", "^", "$", "gg", "G", "ge", "gE", "g_", "}", "%", "fo", "Fo", "ta", "Ta",
  "f ", ";", ",", "_", "+", "-", "x", "X", "D", "Y", "p", "P", "~", "J", "gJ", "ra", "u", "<C-r>", "dd", "yy", ">>", "<lt><lt>",
  ".", "iA<Esc>", "aB<Esc>", "IC<Esc>", "A D<Esc>", "oE<Esc>", "OF<Esc>", "sG<Esc>", "S<Esc>", "CI<Esc>", "ccJ<Esc>", "guu",
  "gUU", "g~~", "2|", "<Space>", "<BS>",
}
local operators = { "d", "c", "y", ">", "<lt>", "gu", "gU", "g~" }
local targets = {
  "w", "W", "e", "E", "b", "B", "$", "0", "^", "j", "k", "l", "h", "gg", "G", "}", "{", "iw", "aw", "iW", "aW", "i(", "a(", "i\"",
  "a\"", "ip", "ap", "i{", "a[", "fo", "tb", "Fo", "%", "ge", "_", "+", "-", "g_",
}
local moves = { "l", "h", "w", "e", "b", "j", "k", "$", "0", "iw", "aw", "o", "G", "gg", "^", "fo", "%" }
local endings = { "d", "c", "y", "x", "~", "u", "U", ">", "<lt>", "J", "rz", "p", "D", "<Esc>", "C", "Y" }

local function pick(list)
  return list[math.random(#list)]
end

local function some_text()
  local parts = {}
  for index = 1, math.random(0, 14) do
    parts[index] = pick(pieces)
  end
  return table.concat(parts)
end

local function some_command()
  local chance = math.random()
  local count = math.random() < 0.2 and tostring(math.random(2, 3)) or ""
  if chance < 0.5 then
    return count .. pick(commands)
  end
  if chance < 0.8 then
    local operator = pick(operators)
    return count .. operator .. (math.random() < 0.1 and "2" or "") .. pick(targets) .. (operator == "c" and "Q<Esc>" or "")
  end
  local keys = pick({ "v", "V" })
  for _ = 1, math.random(0, 3) do
    keys = keys .. (math.random() < 0.15 and "2" or "") .. pick(moves)
  end
  local ending = pick(endings)
  return keys .. ending .. ((ending == "c" or ending == "C") and "R<Esc>" or "")
end

local function in_neovim(text, cursor, session)
  vim.cmd("silent enew!")
  local lines = vim.split(text, "\n", { plain = true })
  vim.bo.undolevels = -1
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.bo.undolevels = 1000
  vim.fn.setreg('"', "RR", "c")
  local chars, row, column = Text.new(text), 1, 0
  for at = 0, cursor - 1 do
    local char = chars:at(at)
    row, column = char == "\n" and row + 1 or row, char == "\n" and 0 or column + #char
  end
  vim.api.nvim_win_set_cursor(0, { row, column })
  for _, keys in ipairs(session) do
    vim.api.nvim_feedkeys(vim.api.nvim_replace_termcodes(keys, true, true, true), "ntx", false)
  end
  lines = vim.api.nvim_buf_get_lines(0, 0, -1, false)
  row, column = unpack(vim.api.nvim_win_get_cursor(0))
  local pos = 0
  for index = 1, row - 1 do
    pos = pos + Text.new(lines[index]).count + 1
  end
  return table.concat(lines, "\n"), pos + Text.new(lines[row]:sub(1, column)).count
end

local names = { ["<Esc>"] = "escape", ["<Space>"] = " ", ["<BS>"] = "backspace", ["<C-r>"] = "ctrl+r", ["<lt>"] = "<" }

local function each_key(keys, call)
  while #keys > 0 do
    local special = keys:match("^<[%w%-]+>")
    local key = special and names[special] and special or keys:match("^[%z\1-\127\194-\244][\128-\191]*")
    keys = keys:sub(#key + 1)
    call(names[key] or key)
  end
end

local function in_engine(text, cursor, session)
  local host = { mode = function() end, select = function() end }
  function host.text() return text end
  function host.cursor() return cursor end
  function host.set_cursor(pos) cursor = pos end
  function host.replace(from, to, with)
    local chars = Text.new(text)
    assert(0 <= from and from <= to and to <= chars.count, "a range outside of the text")
    text = chars:sub(0, from) .. with .. chars:sub(to, chars.count)
  end
  local engine = Engine.new(host)
  engine.mode, engine.registers = "normal", { ['"'] = { text = "RR" } }
  local whole = true
  for _, keys in ipairs(session) do
    each_key(keys, function(key)
      if not engine:key(key) and engine.mode == "insert" then
        host.replace(cursor, cursor, key)
        cursor = cursor + 1
      end
    end)
    -- Neovim ends what a sequence leaves open; such sessions are not recorded.
    whole = whole and engine.mode == "normal" and engine.pending == ""
    if engine.mode == "insert" then
      engine:key("escape")
    elseif engine.mode ~= "normal" then
      engine.thread, engine.pending = nil, ""
      engine:key("escape")
    end
    if engine.mode == "normal" and engine.pending ~= "" then
      engine.thread, engine.pending = nil, ""
    end
  end
  return text, cursor, whole
end

local file = assert(io.open("tests/cases.jsonl", "w"))
local played, differing, recorded = tonumber(os.getenv("N") or "1500"), 0, 0
for _ = 1, played do
  local text = some_text()
  local chars = Text.new(text)
  local cursor = chars.count > 0 and math.random(0, chars.count - 1) or 0
  cursor = math.min(cursor, chars:last_of_line(cursor))
  -- The first two forget what `.` and `;` remember from the session before.
  local session = { "rz", "f(" }
  for _ = 1, math.random(1, 3) do
    session[#session + 1] = some_command()
  end
  local wanted, wanted_cursor = in_neovim(text, cursor, session)
  local fine, got, got_cursor, whole = pcall(in_engine, text, cursor, session)
  if not fine or got ~= wanted or got_cursor ~= wanted_cursor then
    differing = differing + 1
    print(vim.fn.json_encode({ text, cursor, session, { wanted, wanted_cursor }, { got, got_cursor } }))
  elseif whole then
    recorded = recorded + 1
    file:write(vim.fn.json_encode({ text, cursor, table.concat(session), wanted, wanted_cursor }), "\n")
  end
end
file:close()
print(string.format("%d of %d sessions differ, %d recorded", differing, played, recorded))
vim.cmd("qa!")
