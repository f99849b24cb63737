-- A board of its own over the transcript: buffers, windows, the layout and everything that draws.
local lc = require("librecode")
local ui = lc.ui

local tasks = { "water the beds", "count the seeds", "mend the fence by the north gate" }

lc.buf.create("board", { text = "", label = "Board", metadata = { kind = "board" } })
lc.win.create("board", { buffer = "board", role = "board", x = 2, y = 1, width = 24, height = 6, visible = true })
lc.win.set_renderer("board", "extension")
lc.win.set_var("board", "offset", 0)

local function draw()
  local win = lc.win.get("board")
  ui.clear_window("board")
  ui.draw_box("board", { fg = "border" })
  local view = ui.viewport(tasks, 2, lc.win.get_var("board", "offset"))
  for row, task in ipairs(view.lines) do
    ui.draw_text("board", row, 1, ui.pad_right(ui.truncate(task, win.width - 2), win.width - 2), { fg = "text" })
  end
  ui.clear_region("board", 3, 1, 1, win.width - 2, { bg = "selectedBg" })
  ui.draw_spans("board", 3, 1, { { text = tostring(#tasks), bold = true }, " tasks" })
  ui.draw_lines("board", 4, 1, ui.wrap("press n", win.width - 2), { fg = "dim" })
  ui.draw_batch({ { window = "board", kind = "text", row = 4, col = 1 + ui.measure("press n "), text = "+", clear = false } })
  ui.set_cursor("board", 1, 1)
end

local function store()
  lc.buf.clear("board")
  lc.buf.set_blocks("board", {})
  for number, task in ipairs(tasks) do
    lc.buf.append("board", { kind = "task", id = "t" .. number, text = task })
  end
  local visible = ui.virtual_list({ { height = 1 }, { height = 2 } }, 3)
  assert(#visible.items == 2 and #ui.theme_tokens() > 20)
end

lc.on("key", function(ev)
  if ev.key == "n" then
    tasks[#tasks + 1] = "one more"
    store()
    draw()
    return { consumed = true }
  elseif ev.key == "u" then
    lc.buf.delete_blocks("board", -1)
    tasks[#tasks] = nil
    assert(#lc.buf.get_blocks("board") == #tasks)
    draw()
    return true
  elseif ev.key == "w" then
    -- The board takes the transcript's place, and gives it back.
    local layout = lc.layout.get()
    layout.windows.board.x = layout.windows.transcript.x
    lc.layout.set({ windows = { board = { x = layout.windows.board.x } } })
    lc.win.set("board", { zindex = 5 })
    local name = lc.win.find({ role = "board" })
    assert(lc.win.get_buf(name) == "board" and lc.win.get_buffer(name) == "board")
    lc.win.set_buf(name, "notes")
    lc.win.set_buffer(name, "board")
    return true
  elseif ev.key == "c" then
    assert(#lc.win.list() >= 3 and #lc.buf.list() >= 3)
    lc.win.delete("board")
    lc.buf.delete("board")
    return true
  end
end)

store()
draw()
