-- Asks before the agent runs a shell command, and refuses what would delete files recursively.
--
--   purlin -e examples/gate.lua
local purlin = require("purlin")

purlin.on("tool_call", { filter = { tool_name = "bash" } }, function(ev)
  local command = ev.args.command or ""
  if command:find("rm%s+%-%a*r") then
    return { block = true, reason = "recursive deletion is not allowed here" }
  end
  local allowed, why = purlin.ui.confirm("Run `" .. command .. "`?")
  if not allowed then
    return { block = true, reason = "not allowed (" .. (why or "answered no") .. ")" }
  end
end)
