-- What the agent is given: commands, a tool, what is read and changed while it works.
local lc = require("librecode")

lc.register_command("count", "Counts words.", function(args)
  local count = 0
  for _ in args:gmatch("%S+") do count = count + 1 end
  return count .. " words"
end)

lc.command.create("shout", { callback = function(args) return args:upper() end, desc = "Writes capitals." })

lc.register_tool("reverse", "Turns a text round.", function(args)
  return args.text:reverse()
end, { type = "object", properties = { text = { type = "string" } }, required = { "text" } })

lc.on("tool_call", function(ev)
  local call = ev.payload
  if call.name == "reverse" and call.arguments.text == "" then
    return { tool_call = { arguments = { text = "nothing" } } }
  end
end)

lc.on("tool_result", function(ev)
  if ev.payload.name == "reverse" then
    return { tool_result = { result = "<" .. ev.payload.result .. ">" } }
  end
end)
