-- Asks before the model runs a shell command that can destroy something.
--
--   purlin -e examples/extensions/guard.lua
--
-- Nobody there to ask (`purlin -p`): the command is blocked, and the model is told why.

local purlin = require("purlin")

-- What counts as dangerous: a Lua pattern, and why. Patterns look at the whole command line.
local DANGERS = {
  { "%f[%w]rm%s+%-%a*[rRf]", "deletes without asking" },
  { "%f[%w]sudo%f[%W]", "runs as root" },
  { "%f[%w]mkfs", "formats a disk" },
  { "%f[%w]dd%s.*of=/dev/", "writes to a device" },
  { ">%s*/dev/[sn][dv]", "writes to a device" },
  { "%f[%w]ch[mo][ow][dn]%s+%-R", "changes a whole tree's permissions" },
  { "git%s+push%s.*%-%-?f", "rewrites history that others have" },
  { "git%s+reset%s.*%-%-hard", "throws uncommitted work away" },
  { "git%s+clean%s+%-", "deletes untracked files" },
  { "curl.*|%s*%a*sh%f[%W]", "runs what it downloads" },
  { "wget.*|%s*%a*sh%f[%W]", "runs what it downloads" },
  { "%f[%w]shutdown%f[%W]", "stops the machine" },
}

local function danger_of(command)
  for _, danger in ipairs(DANGERS) do
    if command:find(danger[1]) then return danger[2] end
  end
end

-- Commands that were allowed for the rest of this run.
local allowed = {}

purlin.on("tool_call", { filter = { tool_name = "bash" }, desc = "asks before dangerous commands" }, function(ev)
  local command = ev.args.command or ""
  local why = danger_of(command)
  if not why or allowed[command] then return end

  local choice, reason = purlin.ui.select({ "No", "Yes, once", "Yes, always this command" }, {
    prompt = ("`%s` %s. Run it?"):format(command, why),
    filter = false,
  })
  if choice == "Yes, always this command" then
    allowed[command] = true
  elseif choice ~= "Yes, once" then
    return { block = true, reason = reason == "no_ui" and "nobody was there to allow it" or "the user said no" }
  end
end)
