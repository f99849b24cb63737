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
local unfolded = {} -- blocks that are unfolded by themselves, by id
local is_whole = false -- whether the block that is laid out just now is
local chosen -- the block that somebody reads, if one does
local pattern, hit -- what is searched for, and the row that was found
local first_seen, last_seen = 0, 0 -- the blocks of the first and the last row on the screen
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
  local most = is_whole and UNFOLDED or few or FOLDED
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
    local sent = (block.meta or {}).sent
    if sent then
      local said = folded(sent, false)
      for _, row in ipairs(wrapped("sent as: " .. table.concat(said, "\n"), width - 2, { fg = "dim" })) do table.insert(rows, row) end
    end
    if more > 0 then table.insert(rows, { { text = ("… %d more, ctrl+o"):format(more), fg = "muted" } }) end
    return table.move(rows, 1, #rows, 2, lines)
  end,
  thinking = function(block)
    local sources = folded(block.text, block.streaming)
    local lines = wrapped(table.concat(sources, "\n"), width - 4, { fg = "thinkingText", italic = true })
    if not is_whole and #lines > FOLDED then
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
    is_whole = is_unfolded or unfolded[block.id] == true
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
        if fn(at < gap and {} or lines[at - gap + 1], block, i, at) then return { block = block, part = i, row = at + 1 } end
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

local function height_of() return math.max(1, win.get(feed.WINDOW).height) end

-- Shows the rows from a place on, or the end where there is less than a screen left.
local function go(place)
  top = is_before(place, bottom(height_of())) and place or nil
  ui.redraw(feed.WINDOW)
end

-- What is looked up for somebody who waits is laid out at once, whatever the share of a frame.
local function unhurried() begun = os.clock() + 1000 end

-- Reading and searching -------------------------------------------------------------------------------------------------

-- Whose words they are: a call is known by its head as well.
function feed.words(block)
  if block.kind == "tool" then return tool_head(block.meta or {}) .. "\n" .. block.text end
  if block.kind == "shell" then return ((block.meta or {}).command or "") .. "\n" .. block.text end
  return block.text
end

-- How often a text stands in another.
function feed.occurrences(words, text)
  local n, from = 0, 1
  while true do
    local first, last = words:find(text, from, true)
    if not first then return n end
    n, from = n + 1, last + 1
  end
end

local function plain(line)
  local words = {}
  for i, span in ipairs(line) do words[i] = span.text end
  return table.concat(words)
end

-- Puts another ground behind what is searched for.
local function lit(line, ground)
  local text = plain(line):lower()
  local first, last = text:find(pattern, 1, true)
  if not first then return line end
  local out, at = {}, 1
  for _, span in ipairs(line) do
    local from = 1
    while from <= #span.text do
      while last and last < at do first, last = text:find(pattern, last + 1, true) end
      local stop = #span.text
      local is_hit = first ~= nil and first <= at
      if is_hit then stop = math.min(stop, from + last - at) elseif first then stop = math.min(stop, from + first - at - 1) end
      local piece = table.clone(span)
      piece.text = span.text:sub(from, stop)
      if is_hit then piece.bg = ground end
      table.insert(out, piece)
      at += stop - from + 1
      from = stop + 1
    end
  end
  return out
end

function feed.highlight(text)
  pattern = text
  if not text then hit = nil end
  ui.redraw(feed.WINDOW)
end

local function look_up(i, text)
  local rows = {}
  for number, part in ipairs(parts_of(i)) do
    if not part.text or part.text:lower():find(text, 1, true) then
      for at, line in ipairs(lines_of(part)) do
        if plain(line):lower():find(text, 1, true) then
          table.insert(rows, { block = i, part = number, row = part.gap + at - 1 })
        end
      end
    end
  end
  return rows
end

-- The rows of a block in which a text stands; one that is folded away is unfolded.
function feed.rows_with(i, text)
  unhurried()
  local rows = look_up(i, text)
  local block = buf.get_blocks(BUFFER, i, i + 1)[1]
  local is_folded = block and block.kind ~= "text" and not is_unfolded and not unfolded[block.id]
  if is_folded and feed.occurrences(feed.words(block):lower(), text) > #rows then
    unfolded[block.id], kept[block.id] = true, nil
    rows = look_up(i, text)
  end
  -- Wrapped between two rows, or hidden by its markup: then the block is as near as one gets.
  return #rows > 0 and rows or { { block = i, part = 1, row = 0 } }
end

-- Shows a row that was found, with some of what stands before it.
function feed.show(place)
  unhurried()
  hit = place
  if chosen then chosen = place.block end
  go(up(place, height_of() // 3))
end

function feed.lowest() return last_seen end
-- The block that was found, or the lowest on the screen.
function feed.nearest() return hit and hit.block or last_seen end
function feed.is_read() return chosen ~= nil end
function feed.chosen() return chosen and buf.get_blocks(BUFFER, chosen, chosen + 1)[1] end
function feed.choose(i)
  chosen = i
  ui.redraw(feed.WINDOW)
end

-- Goes to the block before or after, past those that show nothing.
function feed.choose_next(by)
  unhurried()
  local to = (chosen or last_seen) + by
  while to >= 0 and to < buf.block_count(BUFFER) and #parts_of(to) == 0 do to += by end
  if to < 0 or to >= buf.block_count(BUFFER) then return end
  chosen = to
  if to <= first_seen then
    go{ block = to, part = 1, row = 0 }
  elseif to >= last_seen then
    local end_of_it = up({ block = to + 1, part = 1, row = 0 }, height_of())
    -- Of one that is taller than the screen the beginning comes first.
    go(end_of_it.block == to and { block = to, part = 1, row = 0 } or end_of_it)
  end
  ui.redraw(feed.WINDOW)
end

function feed.fold_chosen()
  local block = feed.chosen()
  if not block then return end
  unfolded[block.id], kept[block.id] = not unfolded[block.id] or nil, nil
  ui.redraw(feed.WINDOW)
end

function feed.page(pages) feed.scroll(pages * math.max(1, win.get(feed.WINDOW).height - 2)) end
function feed.start() top = { block = 0, part = 1, row = 0 } ui.redraw(feed.WINDOW) end
function feed.finish() top = nil ui.redraw(feed.WINDOW) end
function feed.fold()
  is_unfolded, unfolded = not is_unfolded, {}
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
  if chosen and chosen >= buf.block_count(BUFFER) then chosen = nil end
  if buf.block_count(BUFFER) == 0 then return welcome(view) end
  begin()
  local columns = math.max(8, math.min(WIDEST, view.width - 2))
  if columns ~= width then
    -- A row of the old width is somewhere near the same row of the new one.
    width = columns
    forget()
  end
  local room = math.max(1, (view.width - width) // 2)
  local margin = { text = (" "):rep(room) }
  local read = { text = (" "):rep(room - 1) .. "▌", fg = "accent" }
  local last = bottom(view.height)
  if top and not is_before(top, last) then top = nil end
  local out = {}
  first_seen = (top or last).block
  each_line(top or last, function(line, block, part, row)
    if pattern then
      local is_it = hit and hit.block == block and hit.part == part and hit.row == row
      line = lit(line, is_it and "selection" or "search")
    end
    local whole = { block == chosen and row > 0 and read or margin }
    out[#out + 1] = table.move(line, 1, #line, 2, whole)
    last_seen = block
    return #out == view.height
  end)
  if is_late then purlin.defer(function() ui.redraw(feed.WINDOW) end, 20) end
  if top then
    local more = { { text = (" "):rep(math.max(0, view.width - 9)) }, { text = " ↓ more ", fg = "accent", bg = "selectedBg" } }
    out[view.height] = more
  end
  return out
end)

win.create(feed.WINDOW, { buffer = BUFFER })
-- A click there is no wish to read: what is typed next is still the prompt.
win.set_var(feed.WINDOW, "click_focus", false)

return feed
