-- The status: one bright line at the top.
--
-- The program keeps what it says about itself in variables of the buffer `status`; what other extensions say with
-- `purlin.ui.status.set` is listed by `purlin.ui.status.list`.

local purlin = require("purlin")
local ui, buf, win = purlin.ui, purlin.buf, purlin.win
local feed = require("feed")

local bar = { WINDOW = "reskin.bar" }

local WAVE = { "▁", "▂", "▃", "▄", "▅", "▆", "▅", "▄", "▃", "▂" }
local step, clock = 0, nil

-- The text of a segment of the program's.
local function said(key)
  local segment = buf.get_var("status", key)
  local words = {}
  for _, span in ipairs(type(segment) == "table" and segment.spans or {}) do
    table.insert(words, span.text)
  end
  return table.concat(words)
end

-- What can be done while the transcript is read, the shorter one for narrow screens.
local READS = { "reading  j k blocks  / search  y copy  enter unfold  esc back", "reading  / search  esc back", "reading" }

local function joined(words)
  local out = {}
  for _, word in ipairs(words) do
    if word ~= "" then table.insert(out, word) end
  end
  return table.concat(out, "  ")
end

win.render(bar.WINDOW, function(view)
  local others = {}
  for _, segment in ipairs(ui.status.list()) do
    for _, span in ipairs(segment.spans) do table.insert(others, span.text) end
  end
  local name = clock and (" %s "):format(WAVE[step % #WAVE + 1]:rep(2)) or " ◆ "
  local room = view.width - ui.measure(name)
  local left = joined{ said("cwd"), said("branch"), said("state") }
  -- Where there is little room, what matters least is left out.
  local right = { table.concat(others, " "), said("kept"), said("tokens"), said("model"), "" }
  while #right > 1 and ui.measure(left .. joined(right)) + 3 > room do table.remove(right, 1) end
  right = joined(right) .. " "
  if feed.is_read() then
    right = " "
    for _, text in ipairs(READS) do
      left = text
      if ui.measure(text) + 1 < room then break end
    end
  end
  room -= ui.measure(right)
  left = ui.pad_right(ui.truncate(left, room - 1), room)
  return { {
    { text = name, fg = "accent", bg = "selectedBg", bold = true },
    { text = left, bg = "selectedBg" }, { text = right, fg = "dim", bg = "selectedBg" },
  } }
end)

-- Something moves as long as something is worked at, and nothing otherwise.
purlin.on("render", function(ev)
  if ev.working and not clock then
    clock = ui.animate(8, function()
      step += 1
      ui.redraw(bar.WINDOW)
    end)
  elseif not ev.working and clock then
    clock:stop()
    clock = nil
  end
  ui.redraw(bar.WINDOW)
end)

win.create(bar.WINDOW, { focusable = false })

return bar
