-- The transcript: a window on the buffer `transcript` with a renderer of its own.
--
-- A session may have a hundred thousand blocks: only those that are seen are read and laid out, from the last one
-- upwards, or from the row to which somebody has scrolled.

local purlin = require("purlin")
local ui, buf, win = purlin.ui, purlin.buf, purlin.win

local feed = { WINDOW = "reskin.feed" }

local BUFFER = "transcript"
local WIDEST = 92 -- longer lines are hard to read
local FOLDED = 6 -- lines of output that are shown
local PIECE = 4096 -- bytes of Markdown that are laid out at a time
local KEPT = 200 -- blocks whose lines are remembered

local width = 80
local top -- `{ block, row }`: the first row that is shown; nil follows the end
local is_unfolded = false
local kept, count_kept = {}, 0

-- Markdown -------------------------------------------------------------------------------------------------------------

-- Cuts a long text at empty lines outside of code, so that a growing answer costs its last piece and not all of it.
local function pieces(text)
  local found, from = {}, 1
  while #text - from >= 2 * PIECE do
    local cut = text:find("\n\n", from + PIECE, true)
    while cut and cut - from < 8 * PIECE and select(2, text:sub(from, cut):gsub("```", "")) % 2 == 1 do
      cut = text:find("\n\n", cut + 2, true)
    end
    if not cut then break end
    table.insert(found, text:sub(from, cut))
    from = cut + 2
  end
  table.insert(found, text:sub(from))
  return found
end

local markdown = {} -- finished pieces of the answer that is growing
local function growing_lines(text)
  local lines, all, known = {}, pieces(text), {}
  for i, piece in ipairs(all) do
    local laid = markdown[piece .. width] or ui.markdown(piece, width - 2)
    if i < #all then known[piece .. width] = laid end
    if i > 1 then table.insert(lines, {}) end
    table.move(laid, 1, #laid, #lines + 1, lines)
  end
  markdown = known
  return lines
end

-- One block ------------------------------------------------------------------------------------------------------------

-- Puts the same span before each line.
local function behind(mark, lines)
  local out = {}
  for i, line in ipairs(lines) do
    out[i] = { mark }
    if type(line) == "string" then line = { { text = line } } end
    table.move(line, 1, #line, 2, out[i])
  end
  return out
end

local function wrapped(text, columns, style)
  local lines = {}
  for source in (text:gsub("\t", "    ") .. "\n"):gmatch("(.-)\r?\n") do
    for _, row in ipairs(ui.wrap(source, columns)) do
      local span = table.clone(style)
      span.text = row
      table.insert(lines, { span })
    end
  end
  return lines
end

-- The first or the last lines of an output, and how many there are besides.
local function folded(text, from_end)
  local lines = (text:gsub("%s+$", "")):split("\n")
  if is_unfolded or #lines <= FOLDED + 1 then return lines, 0 end
  local first = from_end and #lines - FOLDED + 1 or 1
  return table.move(lines, first, first + FOLDED - 1, 1, {}), #lines - FOLDED
end

local SIGNS = {
  ok = { "✓", "success" }, error = { "✗", "error" }, blocked = { "⊘", "warning" },
  interrupted = { "■", "warning" }, cancelled = { "■", "warning" },
}

-- What was called with what, how it went, and some of what it said.
local function call_lines(block, head, from_end)
  local meta = block.meta or {}
  local sign = SIGNS[meta.status] or { "…", "accent" }
  local took = meta.duration_ms and meta.duration_ms >= 100 and (" %.1f s"):format(meta.duration_ms / 1000) or ""
  local room = width - ui.measure(took) - 4
  local lines = { {
    { text = sign[1] .. " ", fg = sign[2] }, { text = ui.truncate(head, room), bold = true }, { text = took, fg = "muted" },
  } }
  if block.text ~= "" then
    local rows, more = folded(block.text, from_end)
    for i, row in ipairs(rows) do
      rows[i] = { { text = ui.truncate((row:gsub("\27%[[%d;]*m", "")), width - 4), fg = "dim" } }
    end
    if more > 0 then
      table.insert(rows, from_end and 1 or #rows + 1, { { text = ("… %d more, ctrl+o"):format(more), fg = "muted" } })
    end
    rows = behind({ text = "│ ", fg = "borderMuted" }, rows)
    table.move(rows, 1, #rows, 2, lines)
  end
  return lines
end

local ARGUMENTS = { "command", "path", "file_path", "pattern", "query", "url" }
local function tool_head(meta)
  local args = type(meta.args) == "table" and meta.args or {}
  for _, name in ipairs(ARGUMENTS) do
    if type(args[name]) == "string" then return ("%s  %s"):format(meta.name, (args[name]:gsub("%s+", " "))) end
  end
  return meta.name or "tool"
end

local LOOKS = {
  prompt = function(block)
    local title = (block.meta or {}).queued and " you, waiting " or " you "
    local rule = ("─"):rep(math.max(0, width - 2 - ui.measure(title)))
    local lines = { { { text = "──", fg = "accent" }, { text = title, fg = "accent", bold = true }, { text = rule, fg = "borderMuted" } } }
    local rows = wrapped(block.text, width - 2, { bold = true })
    return table.move(rows, 1, #rows, 2, lines)
  end,
  text = function(block)
    local lines = growing_lines(block.text)
    if block.streaming then
      if #lines == 0 then lines[1] = {} end
      table.insert(lines[#lines], { text = "▍", fg = "accent" })
    end
    return lines
  end,
  thinking = function(block)
    local lines = wrapped(block.text:gsub("%s+$", ""), width - 4, { fg = "thinkingText", italic = true })
    if not is_unfolded and #lines > FOLDED then
      local first = block.streaming and #lines - FOLDED + 1 or 1
      lines = table.move(lines, first, first + FOLDED - 1, 1, {})
    end
    return behind({ text = "┊ ", fg = "muted" }, lines)
  end,
  tool = function(block) return call_lines(block, tool_head(block.meta or {}), (block.meta or {}).name == "bash") end,
  shell = function(block) return call_lines(block, "$ " .. ((block.meta or {}).command or ""), true) end,
  error = function(block) return wrapped("✗ " .. block.text, width - 2, { fg = "error" }) end,
  note = function(block)
    local level = (block.meta or {}).level
    return wrapped(block.text, width - 2, { fg = level == "error" and "error" or level == "warn" and "warning" or "dim" })
  end,
}

local function block_at(i)
  return buf.get_blocks(BUFFER, i, i + 1)[1]
end

-- The lines of the block at an index, as they were laid out last if nothing has changed.
local function lines_of(i)
  local block = block_at(i)
  if not block then return {} end
  local stamp = ("%d %d %s %s"):format(width, #block.text, tostring(is_unfolded), tostring((block.meta or {}).status))
  local known = kept[block.id]
  if known and known.stamp == stamp and not block.streaming then return known.lines end
  local lines = (LOOKS[block.kind] or LOOKS.note)(block)
  if not block.streaming then
    if count_kept == KEPT then kept, count_kept = {}, 0 end
    if not kept[block.id] then count_kept += 1 end
    kept[block.id] = { stamp = stamp, lines = lines }
  end
  return lines
end

-- Rows -----------------------------------------------------------------------------------------------------------------

-- Empty rows before a block: calls that follow one another stand together.
local function gap(i)
  if i == 0 then return 0 end
  local pair = buf.get_blocks(BUFFER, i - 1, i + 1)
  return pair[1] and pair[2] and pair[1].kind == "tool" and pair[2].kind == "tool" and 0 or 1
end

local function rows(i) return gap(i) + #lines_of(i) end

local function up(place, by)
  local block, row = place.block, place.row
  while by > row do
    by -= row
    if block == 0 then return { block = 0, row = 0 } end
    block -= 1
    row = rows(block)
  end
  return { block = block, row = row - by }
end

local function down(place, by)
  local count, block, row = buf.block_count(BUFFER), place.block, place.row
  while block < count do
    local rest = rows(block) - row
    if by < rest then return { block = block, row = row + by } end
    by -= rest
    block, row = block + 1, 0
  end
  return { block = count, row = 0 }
end

local function is_before(a, b) return a.block < b.block or a.block == b.block and a.row < b.row end

-- The first row that is shown where the end is.
local function bottom(height) return up({ block = buf.block_count(BUFFER), row = 0 }, height) end

function feed.scroll(by)
  local height = win.get(feed.WINDOW).height
  local last = bottom(height)
  local to = by < 0 and up(top or last, -by) or down(top or last, by)
  top = is_before(to, last) and to or nil
  ui.redraw(feed.WINDOW)
end

function feed.page(pages) feed.scroll(pages * math.max(1, win.get(feed.WINDOW).height - 2)) end
function feed.start() top = { block = 0, row = 0 } ui.redraw(feed.WINDOW) end
function feed.finish() top = nil ui.redraw(feed.WINDOW) end
function feed.fold() is_unfolded = not is_unfolded ui.redraw(feed.WINDOW) end

local function welcome(view)
  local out, words = {}, { { text = "purlin", fg = "accent", bold = true }, { text = "another look at it", fg = "dim" } }
  for i, span in ipairs(words) do
    out[view.height // 2 + i - 1] = { { text = (" "):rep((view.width - ui.measure(span.text)) // 2) }, span }
  end
  for i = 1, view.height do out[i] = out[i] or {} end
  return out
end

win.render(feed.WINDOW, function(view)
  local count = buf.block_count(BUFFER)
  if count == 0 then return welcome(view) end
  width = math.max(8, math.min(WIDEST, view.width - 2))
  local margin = { text = (" "):rep(math.max(1, (view.width - width) // 2)) }
  local last = bottom(view.height)
  if top and not is_before(top, last) then top = nil end
  local place, out = top or last, {}
  while #out < view.height and place.block < count do
    local empty, lines = gap(place.block), lines_of(place.block)
    for row = place.row, empty + #lines - 1 do
      if #out == view.height then break end
      table.insert(out, row < empty and {} or lines[row - empty + 1])
    end
    place = { block = place.block + 1, row = 0 }
  end
  out = behind(margin, out)
  if top then
    local more = { { text = (" "):rep(math.max(0, view.width - 9)) }, { text = " ↓ more ", fg = "accent", bg = "selectedBg" } }
    out[view.height] = more
  end
  return out
end)

win.create(feed.WINDOW, { buffer = BUFFER, focusable = false })

return feed
