-- The transcript: a window on the buffer `transcript` with a renderer of its own.
--
-- A session may have a hundred thousand blocks: only those that are seen are read and laid out, from the last one
-- upwards, or from the row to which somebody has scrolled.

local purlin = require("purlin")
local ui, buf, win = purlin.ui, purlin.buf, purlin.win

local feed = { WINDOW = "reskin.feed" }

local BUFFER = "transcript"
local WIDEST = 92 -- longer lines are hard to read
local FOLDED, PROMPTED = 6, 30 -- lines of an output and of a prompt that are shown
local PIECE = 512 -- bytes of Markdown that are laid out at a time, at least
local KEPT = 200 -- blocks of which something is remembered
local SHARE = 0.006 -- seconds of a frame after which no more is laid out
local UNFOLDED = 1000 -- lines of output that are shown at most

local width = 80
local top -- `{ block, row }`: the first row that is shown; nil follows the end
local is_unfolded = false
local kept, count_kept = {}, 0

-- Long texts ----------------------------------------------------------------------------------------------------------

-- A text is cut into parts, at empty lines outside of code where there are any: a part is laid out once, when it is
-- first seen, and an answer that grows costs its last part and not all of it.
--
-- `known` is what is known of a block: its text so far, its finished parts, where the unfinished one begins, and
-- whether that is within code.
local function cut(known, text)
  local from, at, is_code = known.from, known.from, known.is_code
  while #text - from >= PIECE do
    local stop = text:find("\n", at, true)
    if not stop then break end
    local line = text:sub(at, stop - 1)
    if line:find("^%s*```") then is_code = not is_code end
    local is_end = line == "" and not is_code
    if stop - from >= PIECE and (is_end or stop - from >= 2 * PIECE) then
      local opened, closed = known.is_code and "```\n" or "", is_code and "\n```" or ""
      table.insert(known.parts, { text = opened .. text:sub(from, stop - 1) .. closed, gap = known.gap })
      from, known.is_code, known.gap = stop + 1, is_code, is_end and 1 or 0
    end
    at = stop + 1
  end
  known.from, known.text = from, text
  local rest = (known.is_code and "```\n" or "") .. text:sub(from)
  if not known.last or known.last.text ~= rest then known.last = { text = rest, gap = known.gap } end
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
local function folded(text, from_end, few)
  local lines = (text:gsub("%s+$", "")):split("\n")
  local most = is_unfolded and UNFOLDED or few or FOLDED
  if #lines <= most + 1 then return lines, 0 end
  local first = from_end and #lines - most + 1 or 1
  return table.move(lines, first, first + most - 1, 1, {}), #lines - most
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
    local sources, more = folded(block.text, false, PROMPTED)
    local rows = wrapped(table.concat(sources, "\n"), width - 2, { bold = true })
    if more > 0 then table.insert(rows, { { text = ("… %d more, ctrl+o"):format(more), fg = "muted" } }) end
    return table.move(rows, 1, #rows, 2, lines)
  end,
  thinking = function(block)
    local sources = folded(block.text, block.streaming)
    local lines = wrapped(table.concat(sources, "\n"), width - 4, { fg = "thinkingText", italic = true })
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

-- Rows -----------------------------------------------------------------------------------------------------------------

-- Empty rows before a block: calls that follow one another stand together.
local function gap_of(i)
  if i == 0 then return 0 end
  local pair = buf.get_blocks(BUFFER, i - 1, i + 1)
  return pair[1] and pair[2] and pair[1].kind == "tool" and pair[2].kind == "tool" and 0 or 1
end

-- The parts of the block at an index. What is remembered of it is used again as far as it has not changed.
local function parts_of(i)
  local block = buf.get_blocks(BUFFER, i, i + 1)[1]
  if not block or block.hidden then return {} end
  local known = kept[block.id]
  local stamp = ("%s %s"):format(tostring((block.meta or {}).status), tostring((block.meta or {}).queued))
  local has_grown = known and known.stamp == stamp and block.text:sub(1, #known.text) == known.text
  if not known and count_kept == KEPT then kept, count_kept = {}, 0 end
  if not known then count_kept += 1 end
  if not has_grown then
    known = { stamp = stamp, text = "", parts = {}, from = 1, gap = gap_of(i) }
    kept[block.id] = known
  end
  if block.kind == "text" then
    if not has_grown or #known.text < #block.text then cut(known, block.text) end
    local parts = table.clone(known.parts)
    table.insert(parts, block.streaming and { text = known.last.text, gap = known.last.gap, grows = true } or known.last)
    return parts
  end
  if not has_grown or #known.text < #block.text or block.streaming then
    known.text = block.text
    known.last = { gap = known.gap, lines = (LOOKS[block.kind] or LOOKS.note)(block) }
  end
  return { known.last }
end

-- What a frame may take is bounded: beyond its share nothing is laid out, and the next frame goes on.
local begun, is_late = 0, false
local function begin() begun, is_late = os.clock(), false end

-- The lines of a part, laid out when they are first asked for.
local function lines_of(part)
  if part.lines and not (part.since and os.time() - part.since < 2) then return part.lines end
  if os.clock() - begun > SHARE then
    is_late = true
    return part.lines or { { { text = "…", fg = "muted" } } }
  end
  -- The colours of code come a moment later: until they must be there it is laid out anew.
  if part.text:find("```", 1, true) then part.since = part.since or os.time() end
  part.lines = ui.markdown(part.text, width - 2)
  if part.grows then
    if #part.lines == 0 then part.lines[1] = {} end
    table.insert(part.lines[#part.lines], { text = "▍", fg = "accent" })
  end
  return part.lines
end

-- A place is a block, one of its parts, and a row of that, the empty one before it included.
local function up(place, by)
  local block, number, row = place.block, place.part, place.row
  local parts = number > 1 and parts_of(block) or {}
  while by > row do
    by -= row
    if number > 1 then
      number -= 1
    elseif block == 0 then
      return { block = 0, part = 1, row = 0 }
    else
      block -= 1
      parts = parts_of(block)
      number = math.max(1, #parts)
    end
    row = parts[number] and parts[number].gap + #lines_of(parts[number]) or 0
  end
  return { block = block, part = number, row = row - by }
end

-- Calls `fn(line)` for each line from a place on until it answers true; answers the place after the last.
local function each_line(place, fn)
  local count = buf.block_count(BUFFER)
  local number, row = place.part, place.row
  for block = place.block, count - 1 do
    local parts = parts_of(block)
    for i = number, #parts do
      local gap, lines = parts[i].gap, lines_of(parts[i])
      for at = row, gap + #lines - 1 do
        if fn(at < gap and {} or lines[at - gap + 1]) then return { block = block, part = i, row = at + 1 } end
      end
      row = 0
    end
    number, row = 1, 0
  end
  return { block = count, part = 1, row = 0 }
end

local function down(place, by)
  return each_line(place, function()
    by -= 1
    return by == 0
  end)
end

local function is_before(a, b)
  if a.block ~= b.block then return a.block < b.block end
  if a.part ~= b.part then return a.part < b.part end
  return a.row < b.row
end

-- The first row that is shown where the end is.
local function bottom(height) return up({ block = buf.block_count(BUFFER), part = 1, row = 0 }, height) end

local function forget() kept, count_kept = {}, 0 end

function feed.scroll(by)
  begin()
  local height = win.get(feed.WINDOW).height
  local last = bottom(height)
  local to = by < 0 and up(top or last, -by) or down(top or last, by)
  top = is_before(to, last) and to or nil
  ui.redraw(feed.WINDOW)
end

function feed.page(pages) feed.scroll(pages * math.max(1, win.get(feed.WINDOW).height - 2)) end
function feed.start() top = { block = 0, part = 1, row = 0 } ui.redraw(feed.WINDOW) end
function feed.finish() top = nil ui.redraw(feed.WINDOW) end
function feed.fold()
  is_unfolded = not is_unfolded
  forget()
  ui.redraw(feed.WINDOW)
end

local function welcome(view)
  local out, words = {}, { { text = "purlin", fg = "accent", bold = true }, { text = "another look at it", fg = "dim" } }
  for i, span in ipairs(words) do
    out[view.height // 2 + i - 1] = { { text = (" "):rep((view.width - ui.measure(span.text)) // 2) }, span }
  end
  for i = 1, view.height do out[i] = out[i] or {} end
  return out
end

win.render(feed.WINDOW, function(view)
  if buf.block_count(BUFFER) == 0 then return welcome(view) end
  begin()
  local columns = math.max(8, math.min(WIDEST, view.width - 2))
  if columns ~= width then
    -- A row of the old width is somewhere near the same row of the new one.
    width = columns
    forget()
  end
  local margin = { text = (" "):rep(math.max(1, (view.width - width) // 2)) }
  local last = bottom(view.height)
  if top and not is_before(top, last) then top = nil end
  local out = {}
  each_line(top or last, function(line)
    table.insert(out, line)
    return #out == view.height
  end)
  if is_late then purlin.defer(function() ui.redraw(feed.WINDOW) end, 20) end
  out = behind(margin, out)
  if top then
    local more = { { text = (" "):rep(math.max(0, view.width - 9)) }, { text = " ↓ more ", fg = "accent", bg = "selectedBg" } }
    out[view.height] = more
  end
  return out
end)

win.create(feed.WINDOW, { buffer = BUFFER, focusable = false })

return feed
