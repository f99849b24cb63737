-- Modes for the composer, and for any text whose window's role is listed in `roles`.

local purlin = require("purlin")
local Engine = require("engine")

local roles = { "composer" }
local engines = {}
local names = { insert = "INSERT", normal = "NORMAL", visual = "VISUAL", visual_line = "V-LINE" }

local function show(engine)
  if not purlin.has("ui.status.set") then
    return
  end
  local pending = engine.pending ~= "" and "  " .. engine.pending or ""
  purlin.ui.status.set("vim-mode", names[engine.mode] .. pending, 100)
end

-- Shows what is selected, as marks.
local function selector(buffer)
  if not purlin.has("mark.set") then
    return function() end
  end
  local namespace = purlin.mark.namespace("vim-mode")
  return function(from, to)
    purlin.mark.clear(buffer, namespace)
    if from then
      purlin.mark.set(buffer, namespace, from, { end_pos = to, hl = "selection" })
    end
  end
end

local function engine_of(buffer)
  local engine = engines[buffer]
  if engine then
    return engine
  end
  local select = selector(buffer)
  engine = Engine.new({
    text = function() return purlin.buf.get_text(buffer) end,
    cursor = function() return purlin.buf.get_cursor(buffer) end,
    replace = function(from, to, with) purlin.buf.replace(buffer, from, to, with) end,
    set_cursor = function(pos) purlin.buf.set_cursor(buffer, pos) end,
    mode = function(mode) purlin.buf.set_var(buffer, "mode", mode) end,
    select = select,
    -- Above the first line and below the last is the history.
    blocked = function(key)
      if buffer == "composer" and (key == "k" or key == "up") then
        purlin.action.run("history.prev")
      elseif buffer == "composer" and (key == "j" or key == "down") then
        purlin.action.run("history.next")
      end
    end,
  })
  engines[buffer] = engine
  purlin.buf.set_var(buffer, "mode", "insert")
  return engine
end

-- The key as the engine writes it: what it types, or its name with its modifiers.
local function key_of(ev)
  if ev.ctrl or ev.alt or ev.meta then
    return (ev.ctrl and "ctrl+" or "") .. (ev.alt and "alt+" or "") .. (ev.meta and "meta+" or "") .. ev.key
  end
  return ev.text ~= "" and ev.text or ev.key
end

local function press(ev)
  local engine = engine_of(ev.buffer)
  local took = engine:key(key_of(ev))
  show(engine)
  return took
end

-- A key that is mapped by its name goes before one that is mapped as any key, so those with a built-in map are named.
local keys = { "*", "escape", "left", "right", "up", "down", "home", "end", "backspace", "delete", "enter", "tab", "ctrl+r" }

for _, role in ipairs(roles) do
  for _, key in ipairs(keys) do
    purlin.keymap.set({ role = role }, key, press, { desc = "vim-mode", priority = 50 })
  end
end

-- Before the first key, too, the status line says where one is.
show(engine_of("composer"))

-- A new prompt begins in insert mode, as in a shell.
if purlin.has("prompt_submit") then
  purlin.on("prompt_submit", function()
    local engine = engines.composer
    if engine and engine.mode ~= "insert" then
      engine:reset()
      show(engine)
    end
  end)
end
