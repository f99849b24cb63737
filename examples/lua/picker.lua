-- Finds a file: type some of its letters, look at it beside the list, enter prints its path.
--
--   purlin --bare -e examples/lua/picker.lua [-- FOLDER]
--   vim "$(purlin --bare -e examples/lua/picker.lua)"
--
-- enter prints the path, ctrl+e opens it in $EDITOR, escape leaves (exit code 1).

local purlin = require("purlin")
local ui, win, buf = purlin.ui, purlin.win, purlin.buf

local FOLDER = purlin.args[1] or "."
local PREVIEWED = 64 * 1024 -- bytes of a file that are looked at
local SLICE = 1000 -- paths that are compared before the keyboard is looked at again

local all, found = {}, {} -- paths; `{ path, at = { byte positions of the letters } }`
local chosen, top = 1, 0 -- in `found`; the first row that is shown
local preview = { lines = {}, top = 0 }
local searching, complaint

-- Where the letters of a query stand in a path, and how well they stand there: together, and in the file's name.
local function match(path, query)
  local lower, at, score, from = path:lower(), {}, 0, 1
  for i = 1, #query do
    local here = lower:find(query:sub(i, i), from, true)
    if not here then return nil end
    score += here == from and i > 1 and 3 or 0
    score += lower:find("^[/_.-]", here - 1) and 2 or 0
    at[i], from = here, here + 1
  end
  local name = #path - #path:match("[^/]*$")
  return at, score + (at[1] and at[1] > name and 4 or 0) - #path / 100
end

local function is_coloured(lines)
  for _, spans in ipairs(lines) do
    if #spans > 1 then return true end
  end
  return false
end

local function is_chosen(path) return found[chosen] ~= nil and found[chosen].path == path end

local function show_preview(path)
  if not is_chosen(path) then return end
  local text, why = purlin.fs.read(FOLDER .. "/" .. path)
  if not is_chosen(path) then return end -- the choice has moved on meanwhile
  if text and text:sub(1, 1024):find("\0", 1, true) then
    text, why = nil, ("%d bytes that are no text"):format(#text)
  end
  preview = { lines = { { { text = why, fg = "muted" } } }, top = 0 }
  win.set("preview", { title = path })
  ui.redraw("preview")
  -- The first time, colours come a moment later.
  for try = 1, text and 5 or 0 do
    preview.lines = ui.highlight(text:sub(1, PREVIEWED), path:match("%.(%w+)$") or "")
    ui.redraw("preview")
    if is_coloured(preview.lines) then return end
    purlin.sleep(100 * try)
    if not is_chosen(path) then return end
  end
end
local show_preview_soon = purlin.debounce(show_preview, 30)

local function choose(index)
  chosen = math.max(1, math.min(index, #found))
  ui.redraw()
  if found[chosen] then show_preview_soon(found[chosen].path) end
end

-- Compares in slices: with every key a new search begins and the one before ends.
local function search()
  if searching then searching:cancel() end
  local query = buf.get_text("query"):lower():gsub("%s", "")
  searching = purlin.spawn(function()
    local matches = {}
    for i, path in ipairs(all) do
      local at, score = match(path, query)
      if at then table.insert(matches, { path = path, at = at, score = score }) end
      if i % SLICE == 0 then purlin.sleep(0) end
    end
    if query ~= "" then
      table.sort(matches, function(a, b)
        if a.score ~= b.score then return a.score > b.score end
        return a.path < b.path
      end)
    end
    found, top = matches, 0
    choose(1)
  end)
end

-- A row of the list: the letters that were found stand out.
local function row_of(item, is_chosen)
  local bg = is_chosen and "selectedBg" or "default"
  local spans, from = { { text = is_chosen and "▸ " or "  ", fg = "accent", bg = bg } }, 1
  for _, at in ipairs(item.at) do
    table.insert(spans, { text = item.path:sub(from, at - 1), bg = bg })
    table.insert(spans, { text = item.path:sub(at, at), fg = "accent", bold = true, bg = bg })
    from = at + 1
  end
  table.insert(spans, { text = item.path:sub(from), bg = bg })
  return spans
end

win.render("files", function(view)
  top = math.max(chosen - view.height, math.min(top, chosen - 1), 0)
  local rows = {}
  for row = 1, math.min(view.height, #found - top) do
    rows[row] = row_of(found[top + row], top + row == chosen)
  end
  if #found == 0 then
    local why = complaint or (#all == 0 and "looking…" or "nothing has these letters in this order")
    for i, line in ipairs(ui.wrap(why, view.width - 2)) do
      rows[i] = { { text = "  " .. line, fg = complaint and "error" or "muted" } }
    end
  end
  return rows
end)

win.render("preview", function(view)
  preview.top = math.max(0, math.min(preview.top, #preview.lines - view.height))
  return table.move(preview.lines, preview.top + 1, preview.top + view.height, 1, {})
end)

win.render("count", function(view)
  local text = ("%d of %d"):format(#found, #all)
  local keys = "enter prints · ctrl+e edits · esc leaves"
  local gap = view.width - ui.measure(text) - ui.measure(keys) - 1
  return { { { text = text .. (" "):rep(gap), fg = "dim" }, { text = gap > 0 and keys or "", fg = "muted" } } }
end)

-- A text that can be typed into needs no code: the window shows its buffer, and the keys of editing are mapped.
buf.create("query")
win.create("query", { buffer = "query", border = "rounded", title = "find" })
win.create("files", { focusable = false })
win.create("preview", { border = "rounded", focusable = false })
win.create("count", { focusable = false })
win.focus("query")
buf.attach("query", { on_change = search })

-- Side by side where there is room, else one above the other.
purlin.on("resize", function(ev)
  local list = { dir = "col", grow = 1, { win = "query", size = 3 }, { win = "files", grow = 1 }, { win = "count", size = 1 } }
  local seen = { win = "preview", grow = 1 }
  if ev.width >= 80 then
    purlin.layout.tree{ dir = "row", list, seen }
  elseif ev.height >= 16 then
    purlin.layout.tree{ dir = "col", list, seen }
  else
    purlin.layout.tree(list)
  end
end)

local function map(keys, fn, desc)
  for _, key in ipairs(keys) do
    purlin.keymap.set({ window = "query" }, key, fn, { desc = desc })
  end
end

local function page() return math.max(1, win.get("files").height - 1) end
local function scroll(rows)
  preview.top += rows
  ui.redraw("preview")
end

map({ "up", "ctrl+p", "ctrl+k" }, function() choose(chosen - 1) end, "the one before")
map({ "down", "ctrl+n", "ctrl+j" }, function() choose(chosen + 1) end, "the next one")
map({ "pgup" }, function() choose(chosen - page()) end, "a page up")
map({ "pgdn" }, function() choose(chosen + page()) end, "a page down")
map({ "ctrl+u" }, function() scroll(-10) end, "the file up")
map({ "ctrl+d" }, function() scroll(10) end, "the file down")
map({ "escape" }, function() purlin.quit(1) end, "leave without a file")
map({ "enter" }, function()
  if found[chosen] then purlin.quit(0, FOLDER .. "/" .. found[chosen].path) end
end, "print the path and leave")
map({ "ctrl+e" }, function()
  if not found[chosen] then return end
  local path = (FOLDER .. "/" .. found[chosen].path):gsub("'", [['\'']])
  purlin.action.run("screen.run", ("${VISUAL:-${EDITOR:-vi}} '%s'"):format(path))
end, "open it in $EDITOR")

purlin.on("mouse", { filter = { kind = { "wheel", "press" } } }, function(ev)
  local by = ev.button == "up" and -3 or 3
  if ev.kind == "press" then
    if ev.window == "files" then choose(top + ev.row - win.get("files").y + 1) end
  elseif ev.window == "preview" then
    scroll(by)
  else
    choose(chosen + by)
  end
  return true
end)

purlin.spawn(function()
  local paths, why = purlin.fs.glob("**/*", { cwd = FOLDER })
  complaint = why
  -- What another path goes on from is a folder.
  local folders = {}
  for _, path in ipairs(paths or {}) do
    folders[path:match("^(.*)/") or ""] = true
  end
  for _, path in ipairs(paths or {}) do
    if not folders[path] then table.insert(all, path) end
  end
  search()
end)
