-- Timers: once, again and again, and no more.
local lc = require("librecode")

local ticks = 0
local clock = lc.timer.interval(100, function()
  ticks = ticks + 1
  lc.buf.set_text("status", "tick " .. ticks)
end)
lc.timer.defer(350, function()
  lc.timer.stop(clock)
  lc.log("stopped after " .. ticks)
end)
