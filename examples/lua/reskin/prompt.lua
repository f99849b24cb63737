-- The composer: a buffer and a window of its own.
--
-- Whatever is typed here is also in the buffer `composer`, and what others put there (a draft of the last run, a prompt
-- from the history, a message that was interrupted) comes here. So the draft is saved, commands are completed, and the
-- actions `submit`, `history.prev` and the like do for this window what they do for the stock one.

local purlin = require("purlin")
local ui, buf, win = purlin.ui, purlin.buf, purlin.win
local feed = require("feed")

local prompt = { WINDOW = "reskin.prompt" }

local MINE, STOCK = "reskin:prompt", "composer"
local HINT = "Ask, or !run a command"

local marks = purlin.mark.namespace("reskin")

local function title_of(text)
  if text:find("^!") then return { { text = "shell", fg = "bashMode", bold = true } } end
  if text:find("^/") then return { { text = "command", fg = "link" } } end
  return { { text = "prompt", fg = "accent" } }
end

local function pass(from, to)
  local text = buf.get_text(from)
  if buf.get_text(to) ~= text then buf.set_text(to, text) end
end

local function show_hint()
  local text = buf.get_text(MINE)
  purlin.mark.clear(MINE, marks)
  if text == "" then
    purlin.mark.set(MINE, marks, 0, { virt_text = { { text = HINT, fg = "muted" } }, virt_text_pos = "overlay" })
  end
  win.set(prompt.WINDOW, { title = title_of(text) })
end

buf.create(MINE, { text = buf.get_text(STOCK) })
win.create(prompt.WINDOW, { buffer = MINE, border = "rounded" })
show_hint()

buf.attach(MINE, { on_change = function()
  pass(MINE, STOCK)
  show_hint()
end })
buf.attach(STOCK, { on_change = function() pass(STOCK, MINE) end })

local function is_completing()
  local list = win.get("autocomplete")
  return list ~= nil and list.visible
end

-- Moves among the completions, within the text, or through what was sent before.
local function vertical(edit, history, completion)
  return function()
    if is_completing() then return purlin.action.run(completion) end
    local before = buf.get_cursor(MINE)
    purlin.action.run(edit)
    if buf.get_cursor(MINE) == before then purlin.action.run(history) end
  end
end

local function map(keys, action, desc)
  for key in keys:gmatch("%S+") do
    purlin.keymap.set({ window = prompt.WINDOW }, key, action, { desc = desc })
  end
end

map("enter", function()
  feed.finish()
  purlin.action.run("submit")
end, "send")
map("tab", "autocomplete.accept", "take the completion")
map("up ctrl+p", vertical("edit.up", "history.prev", "autocomplete.prev"), "up, or the prompt before")
map("down ctrl+n", vertical("edit.down", "history.next", "autocomplete.next"), "down, or the prompt after")
map("ctrl+d", "composer.delete-or-quit", "delete, or leave")
map("ctrl+z", "composer.undo-or-suspend", "undo, or stop")
map("pgup shift+pgup", function() feed.page(-1) end, "a page up")
map("pgdn shift+pgdn", function() feed.page(1) end, "a page down")
map("shift+up", function() feed.scroll(-1) end, "a row up")
map("shift+down", function() feed.scroll(1) end, "a row down")
map("ctrl+home", feed.start, "to the beginning")
map("ctrl+end", feed.finish, "to the end")
map("ctrl+o", feed.fold, "unfold, or fold")

purlin.on("mouse", { filter = { kind = "wheel" } }, function(ev)
  if ev.window ~= feed.WINDOW then return end
  feed.scroll(ev.button == "up" and -3 or 3)
  return true
end)

return prompt
