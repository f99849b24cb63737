-- Reading: the transcript has the keyboard, and single keys go from block to block.

local purlin = require("purlin")
local buf, win = purlin.buf, purlin.win
local feed = require("feed")
local search = require("search")
local prompt = require("prompt")

local browse = {}

local function back()
  search.close()
  feed.choose(nil)
  win.focus(prompt.WINDOW)
end

local function begin()
  if buf.block_count("transcript") == 0 then return end
  feed.choose(feed.nearest())
  win.focus(feed.WINDOW)
end

-- After the search: from hit to hit where there are any.
local function after_search(has_found)
  if has_found then begin() else back() end
end

local function find()
  if buf.block_count("transcript") == 0 then
    return purlin.notify("There is nothing to search yet.")
  end
  search.open(after_search)
end

local function copy()
  local block = feed.chosen()
  if block then purlin.command.run("screen.copy", block.text) end
end

local function map(window, keys, fn, desc)
  for key in keys:gmatch("%S+") do
    purlin.keymap.set({ window = window }, key, fn, { desc = desc })
  end
end

map(prompt.WINDOW, "ctrl+f", find, "search")
map(prompt.WINDOW, "shift+tab", begin, "read the transcript")

local READ = feed.WINDOW
map(READ, "down j", function() feed.choose_next(1) end, "the block after")
map(READ, "up k", function() feed.choose_next(-1) end, "the block before")
map(READ, "G end ctrl+end", function() feed.finish() feed.choose(feed.lowest()) end, "to the end")
map(READ, "g home ctrl+home", function() feed.start() feed.choose(0) end, "to the beginning")
map(READ, "pgup b shift+pgup", function() feed.page(-1) feed.choose(feed.lowest()) end, "a page up")
map(READ, "pgdn space shift+pgdn", function() feed.page(1) feed.choose(feed.lowest()) end, "a page down")
map(READ, "shift+up", function() feed.scroll(-1) end, "a row up")
map(READ, "shift+down", function() feed.scroll(1) end, "a row down")
map(READ, "enter o", feed.fold_chosen, "unfold the block, or fold it")
map(READ, "ctrl+o", feed.fold, "unfold all, or fold")
map(READ, "/ ctrl+f", find, "search")
map(READ, "n", search.older, "the hit before")
map(READ, "N", search.newer, "the hit after")
map(READ, "y", copy, "copy the block")
map(READ, "esc tab shift+tab i q", back, "back to the prompt")

return browse
