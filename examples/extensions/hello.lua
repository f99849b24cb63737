-- A command, a keymap and a tool: what an extension usually adds.
--
--   purlin -e examples/extensions/hello.lua

local purlin = require("purlin")

-- `/hello Bob` shows what the function returns.
purlin.command.create("hello", {
  desc = "Greets somebody.",
  args = "[NAME]",
  callback = function(args)
    local name = args
    if name == "" then
      -- A command may wait: for an answer, a job, a timer.
      name = purlin.ui.input{ prompt = "Who is there?", placeholder = "your name" }
    end
    return name and ("Hello, %s."):format(name)
  end,
})

-- alt+t puts today's date into the composer, where the cursor is.
purlin.keymap.set("global", "alt+t", function()
  purlin.buf.insert("composer", purlin.buf.get_cursor("composer"), os.date("%Y-%m-%d"))
end, { desc = "insert the date" })

-- The model can call this one. Arguments are checked against the schema first.
purlin.tool.register{
  name = "roll_dice",
  description = "Rolls dice and answers the numbers.",
  kind = "other",
  schema = {
    type = "object",
    properties = {
      count = { type = "integer", minimum = 1, maximum = 20, description = "How many dice." },
      sides = { type = "integer", minimum = 2, maximum = 1000, description = "Sides of each; 6 if absent." },
    },
    required = { "count" },
  },
  execute = function(args, ctx)
    local rolled, sum = {}, 0
    for i = 1, args.count do
      rolled[i] = math.random(args.sides or 6)
      sum = sum + rolled[i]
      ctx.progress(("rolled a %d"):format(rolled[i]))
    end
    return { content = ("%s (sum %d)"):format(table.concat(rolled, ", "), sum), details = { rolled = rolled } }
  end,
}
