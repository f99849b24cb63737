-- Another look for the chat, made of what every extension may use.
--
--   purlin -e examples/lua/reskin
--
-- The stock windows stay where they are and are not shown; `/reskin` goes back to them and here again.

local purlin = require("purlin")
local bar = require("bar")
local feed = require("feed")
local prompt = require("prompt")
local search = require("search")
require("browse")

-- On a terminal of few rows the prompt gives its border up.
local LOW = 12

local is_on = false

local function arrange(height)
  local border = height >= LOW
  purlin.win.set(prompt.WINDOW, { border = border and "rounded" or "none" })
  purlin.layout.tree{ dir = "col",
    { win = bar.WINDOW, size = 1 },
    -- Places that other extensions and the program itself use stay.
    { win = "header" }, { dock = "header" },
    { win = feed.WINDOW, grow = 1, min = 1 },
    { win = "above" }, { dock = "above" }, { win = "queued" }, { win = "notice" },
    { win = search.WINDOW, size = 1 },
    { win = prompt.WINDOW, min = border and 3 or 1, max = border and 12 or 4 },
    { win = "below" }, { dock = "below" }, { win = "footer" }, { dock = "footer" },
  }
end

local function turn_on()
  is_on = true
  -- The border of the prompt is rule enough: the line of the notices is there while something is said.
  purlin.win.set_var("notice", "rule", false)
  arrange(purlin.layout.get().height)
  purlin.win.focus(prompt.WINDOW)
end

local function turn_off()
  is_on = false
  search.close()
  feed.choose(nil)
  purlin.win.set_var("notice", "rule", true)
  purlin.layout.reset()
  purlin.win.focus("composer")
end

purlin.on("resize", function(ev)
  if is_on then arrange(ev.height) end
end)

purlin.command.create("reskin", {
  desc = "Changes between this look and the stock one.",
  callback = function()
    if is_on then turn_off() else turn_on() end
  end,
})

turn_on()
