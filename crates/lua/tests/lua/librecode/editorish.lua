-- The names of an editor: namespaces, autocommands and user commands, in both spellings.
local lc = require("librecode")

local ns = lc.api.create_namespace("editorish")
assert(ns == lc.api.nvim_create_namespace("editorish"))

local seen = {}
local function note(ev) seen[#seen + 1] = ev.name end

lc.api.create_autocmd("resize", { callback = note, desc = "sizes" })
lc.api.nvim_create_autocmd({ "paste", "mouse" }, note)
lc.autocmd.create("key", { callback = note, priority = -5 })

lc.api.create_user_command("Seen", function() return table.concat(seen, " ") end)
lc.api.nvim_create_user_command("Forget", { callback = function() seen = {} end, desc = "Forgets." })
