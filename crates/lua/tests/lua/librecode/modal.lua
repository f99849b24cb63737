-- Two modes for the composer: keys as handlers of events, and keys as maps that come and go with the mode.
local lc = require("librecode")

local function mode() return lc.buf.get_var("composer", "mode") or "insert" end

local function line_of(pos)
  local row, start = 0, 0
  for _, line in ipairs(lc.buf.get_lines("composer")) do
    if pos <= start + #line then break end
    row, start = row + 1, start + #line + 1
  end
  return row
end

local normal = {
  x = function(pos) lc.buf.delete_text("composer", pos, pos + 1) end,
  X = function(pos) lc.buf.delete_range("composer", pos - 1, pos) end,
  r = function(pos) lc.buf.replace("composer", pos, pos + 1, "*") end,
  d = function(pos) lc.buf.set_lines("composer", line_of(pos), line_of(pos) + 1, {}) end,
  o = function(pos) lc.buf.insert("composer", pos, "\n") end,
  h = function(pos) lc.buf.set_cursor("composer", pos - 1) end,
  ["0"] = function() lc.buf.set_cursor("composer", 0) end,
  S = function() lc.buf.set_text("composer", "") end,
  U = function()
    local whole = lc.buf.get("composer")
    whole.text = whole.text:upper()
    lc.buf.set("composer", whole)
  end,
  k = function() lc.action.run("history.prev") end,
}

local function enter_normal()
  lc.buf.set_var("composer", "mode", "normal")
  for key, run in pairs(normal) do
    lc.keymap.set("composer", key, function() run(lc.buf.get_cursor("composer")) end, { desc = "modal" })
  end
  lc.keymap.set("composer", "i", function()
    for key in pairs(normal) do lc.keymap.del("composer", key) end
    lc.keymap.del("composer", "i")
    lc.buf.set_var("composer", "mode", "insert")
  end)
end

lc.on("key", function(ev)
  if ev.key == "escape" and mode() == "insert" then
    enter_normal()
    lc.event.consume()
    lc.log("normal after " .. #lc.buf.get_text("composer") .. " characters")
  elseif mode() == "normal" and ev.key == "q" then
    lc.event.stop()
  end
end)
