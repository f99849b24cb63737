-- Reads the history of a repository: commits on one side, what the chosen one changed on the other.
--
--   purlin --bare -e examples/lua/gitlog.lua [-- WHAT GIT LOG TAKES]
--   purlin --bare -e examples/lua/gitlog.lua -- main --author Ada -- src
--
-- j and k move, g and G go to the ends, ctrl+d and ctrl+u scroll, tab or enter changes sides, / searches, n and N
-- go on to the next, y copies the commit's id, q leaves.

local purlin = require("purlin")
local ui, win, buf = purlin.ui, purlin.win, purlin.buf

local MOST_COMMITS, MOST_LINES, KEPT = 5000, 20000, 50
local SEPARATOR = "\31"

local complaint, wanted
local diffs, kept = {}, 0 -- lines by commit, and how many there are

-- What both sides have: a list of rows, one of which is chosen, and how far it is scrolled.
local function new_pane(name)
  return { name = name, rows = {}, chosen = 1, top = 0 }
end
local log, diff = new_pane("log"), new_pane("diff")

local function focused()
  return win.focused() == "diff" and diff or log
end

-- A line of a diff in the colour of what it says.
local LOOKS = {
  { "^commit ", { fg = "heading", bold = true } }, { "^%u%l+:%s", { fg = "dim" } },
  { "^diff ", { fg = "accent", bold = true } }, { "^@@", { fg = "accent" } },
  { "^%+%+%+ ", { fg = "muted" } }, { "^%-%-%- ", { fg = "muted" } }, { "^%-%-%-$", { fg = "muted" } },
  { "^%+", { fg = "diffAdd" } }, { "^%-", { fg = "diffDelete" } },
  { "^index ", { fg = "muted" } }, { "^[%w ]+ mode ", { fg = "muted" } },
}
local function look_of(line)
  for _, look in ipairs(LOOKS) do
    if line:find(look[1]) then return look[2] end
  end
  return {}
end

local function lines_of(text)
  local lines = {}
  for line in (text .. "\n"):gmatch("(.-)\r?\n") do
    if #lines == MOST_LINES then
      table.insert(lines, "… more than is shown here")
      break
    end
    table.insert(lines, (line:gsub("\t", "    ")))
  end
  while lines[#lines] == "" do table.remove(lines) end
  return lines
end

local function git(...)
  local done, why = purlin.job.run{ cmd = { "git", "-c", "color.ui=false", ... } }
  if not done then return nil, why end
  if done.code ~= 0 then return nil, done.stderr end
  return done.stdout
end

-- Reads what the chosen commit changed, unless another was chosen meanwhile.
local function read_diff()
  local commit = log.rows[log.chosen]
  if not commit then return end
  wanted = commit.id
  if not diffs[commit.id] then
    if kept == KEPT then diffs, kept = {}, 0 end
    local text, why = git("show", "--stat", "--patch", "--format=medium", "--date=iso", commit.id)
    diffs[commit.id], kept = text and lines_of(text) or { why }, kept + 1
  end
  if wanted ~= commit.id then return end
  diff.rows, diff.chosen, diff.top = diffs[commit.id], 1, 0
  win.set("diff", { title = commit.short })
  ui.redraw("diff")
end
local read_diff_soon = purlin.debounce(read_diff, 40)

local function choose(pane, index)
  pane.chosen = math.max(1, math.min(index, #pane.rows))
  ui.redraw()
  if pane == log then read_diff_soon() end
end

-- The rows that are seen, with the chosen one among them.
local function seen(pane, height)
  pane.top = math.max(pane.chosen - height, math.min(pane.top, pane.chosen - 1), 0)
  return pane.top + 1, math.min(pane.top + height, #pane.rows)
end

-- The same spans on the background of the chosen row, as wide as the window.
local function marked(spans, width)
  local used = 0
  for _, span in ipairs(spans) do
    span.bg = "selectedBg"
    used += ui.measure(span.text)
  end
  table.insert(spans, { text = (" "):rep(width - used), bg = "selectedBg" })
  return spans
end

win.render("log", function(view)
  local rows, first, last = {}, seen(log, view.height)
  for i = first, last do
    local commit = log.rows[i]
    local spans = {
      { text = commit.short .. " ", fg = "warning" }, { text = commit.date .. " ", fg = "muted" },
      { text = commit.subject }, { text = "  " .. commit.author, fg = "dim" },
    }
    table.insert(rows, i == log.chosen and marked(spans, view.width) or spans)
  end
  if #log.rows == 0 then rows[1] = { { text = complaint or "reading…", fg = complaint and "error" or "muted" } } end
  return rows
end)

win.render("diff", function(view)
  local rows, first, last = {}, seen(diff, view.height)
  for i = first, last do
    local span = table.clone(look_of(diff.rows[i]))
    span.text = diff.rows[i]
    local is_chosen = i == diff.chosen and win.focused() == "diff"
    table.insert(rows, is_chosen and marked({ span }, view.width) or { span })
  end
  return rows
end)

win.render("keys", function(view)
  local place = ("%d/%d"):format(math.min(log.chosen, #log.rows), #log.rows)
  local keys = "q leaves · j k move · tab changes sides · ctrl+d ctrl+u scroll · / searches"
  local room = view.width - #place - 2
  return { { { text = " " .. ui.pad_right(ui.truncate(keys, room), room), fg = "muted" }, { text = place, fg = "dim" } } }
end)

-- Searching: what is typed into a line of its own is looked for with each key, from where the search began.
local searched, from = log, 1

local function text_of(row)
  return (type(row) == "table" and row.short .. " " .. row.subject .. " " .. row.author or row):lower()
end

-- Goes to the next row with the needle in it, round and round; `first` is the first that may be it.
local function find(pane, first, step)
  local needle = buf.get_text("needle"):lower()
  if needle == "" then return end
  for away = 0, #pane.rows - 1 do
    local i = (first - 1 + step * away) % #pane.rows + 1
    if text_of(pane.rows[i]):find(needle, 1, true) then return choose(pane, i) end
  end
  purlin.notify(("`%s` is not there"):format(needle), "warn")
end

local function search(is_on)
  if is_on then searched, from = focused(), focused().chosen end
  win.set("keys", { visible = not is_on })
  win.set("needle", { visible = is_on })
  win.focus(is_on and "needle" or searched.name)
  if is_on then buf.set_text("needle", "") end
end

local function map(keys, desc, fn)
  for _, key in ipairs(keys) do
    purlin.keymap.set({ { window = "log" }, { window = "diff" } }, key, fn, { desc = desc })
  end
end
local function half() return math.max(1, win.get("diff").height // 2) end
local function change_sides() win.focus(focused() == log and "diff" or "log") ui.redraw() end

map({ "j", "down" }, "the next", function() choose(focused(), focused().chosen + 1) end)
map({ "k", "up" }, "the one before", function() choose(focused(), focused().chosen - 1) end)
map({ "g g", "home" }, "the first", function() choose(focused(), 1) end)
map({ "G", "end" }, "the last", function() choose(focused(), #focused().rows) end)
map({ "ctrl+d", "pgdn", "space" }, "half a page of the diff down", function() choose(diff, diff.top + win.get("diff").height + half()) end)
map({ "ctrl+u", "pgup" }, "half a page of the diff up", function() choose(diff, diff.top + 1 - half()) end)
map({ "tab", "enter" }, "the other side", change_sides)
map({ "/" }, "search", function() search(true) end)
map({ "n" }, "the next that was searched", function() find(focused(), focused().chosen + 1, 1) end)
map({ "N" }, "the one before that was searched", function() find(focused(), focused().chosen - 1, -1) end)
purlin.keymap.set({ window = "needle" }, "enter", function() search(false) end, { desc = "stay there" })
purlin.keymap.set({ window = "needle" }, "escape", function()
  choose(searched, from)
  search(false)
end, { desc = "back to where the search began" })
map({ "y" }, "copy the commit's id", function()
  local commit = log.rows[log.chosen]
  if commit and purlin.action.run("screen.copy", commit.id) then purlin.notify("copied " .. commit.short) end
end)
map({ "q" }, "leave", function() purlin.quit() end)

purlin.on("mouse", { filter = { kind = { "wheel", "press" } } }, function(ev)
  local pane = ev.window == "diff" and diff or ev.window == "log" and log
  if not pane then return end
  if ev.kind == "wheel" then
    choose(pane, pane.chosen + (ev.button == "up" and -3 or 3))
    return true
  end
  choose(pane, pane.top + ev.row - win.get(pane.name).y) -- below the border; the click focuses as well
end)

win.create("log", { border = "rounded", title = "log" })
win.create("diff", { border = "rounded" })
win.create("keys", { focusable = false })
buf.create("needle")
buf.attach("needle", { on_change = function() find(searched, from, 1) end })
purlin.mark.set("needle", purlin.mark.namespace("needle"), 0, { sign = { { text = "/", fg = "accent" } } })
win.create("needle", { buffer = "needle", visible = false })
win.focus("log")

purlin.on("resize", function(ev)
  local side_by_side = ev.width >= 100
  -- On few rows a third would be one commit.
  local share = ev.height < 24 and "50%" or "35%"
  purlin.layout.tree{ dir = "col",
    { dir = side_by_side and "row" or "col", grow = 1,
      { win = "log", size = side_by_side and "45%" or share }, { win = "diff", grow = 1 } },
    { win = "keys", size = 1 }, { win = "needle", size = 1 } }
end)

purlin.spawn(function()
  local format = "--format=" .. table.concat({ "%H", "%h", "%ad", "%an", "%s" }, SEPARATOR)
  local text, why = git("log", format, "--date=short", "-n", tostring(MOST_COMMITS), table.unpack(purlin.args))
  for line in (text or ""):gmatch("[^\n]+") do
    local id, short, date, author, subject = table.unpack(line:split(SEPARATOR))
    table.insert(log.rows, { id = id, short = short, date = date, author = author, subject = subject })
  end
  if not text then return purlin.quit(1, (why:gsub("%s+$", ""))) end
  complaint = #log.rows == 0 and "no commits" or nil
  choose(log, 1)
end)
