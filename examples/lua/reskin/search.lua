-- The search: a line of its own, and the way from hit to hit.
--
-- The session is read in slices, from its end on, so that a long one holds up no key; what is found is a list of
-- blocks. Where in a block a hit stands is looked up when somebody goes there.

local purlin = require("purlin")
local ui, buf, win = purlin.ui, purlin.buf, purlin.win
local feed = require("feed")

local search = { WINDOW = "reskin.search" }

local MINE = "reskin:search"
local BLOCKS, SLICE = 100, 0.004 -- blocks read at a time; seconds until the next slice waits for its turn

local marks = purlin.mark.namespace("reskin.search")
local pattern, found, count, is_reading = "", {}, 0, false
local run = 0 -- tells a reading from one that it was begun anew after
local at, spot -- which of `found` is looked at, and which of its rows
local leave

-- What the line says ---------------------------------------------------------------------------------------------------

local function describe()
  purlin.mark.clear(MINE, marks)
  purlin.mark.set(MINE, marks, 0, { virt_text = { { text = "find ", fg = "accent", bold = true } }, virt_text_pos = "inline" })
  local said = pattern == "" and "" or count == 0 and (is_reading and "…" or "not found")
    or ("%d found%s"):format(count, is_reading and " …" or "")
  local hint = win.get(search.WINDOW).width >= 50 and "   ↑ ↓ · enter · esc" or ""
  purlin.mark.set(MINE, marks, 0, { virt_text_pos = "right_align", virt_text = {
    { text = said, fg = count == 0 and not is_reading and "warning" or "dim" }, { text = hint, fg = "muted" },
  } })
end

-- Reading --------------------------------------------------------------------------------------------------------------

-- Reads on, towards the beginning; `stop` is the first block that was read already.
local function read(stop, mine)
  if mine ~= run then return end
  local begun = os.clock()
  while stop > 0 and os.clock() - begun < SLICE do
    local first = math.max(0, stop - BLOCKS)
    local blocks = buf.get_blocks("transcript", first, stop)
    for i = #blocks, 1, -1 do
      local n = blocks[i].hidden and 0 or feed.occurrences(feed.words(blocks[i]):lower(), pattern)
      if n > 0 then
        count += n
        table.insert(found, first + i - 1)
      end
    end
    stop = first
  end
  is_reading = stop > 0
  if is_reading then purlin.defer(function() read(stop, mine) end, 1) end
  if not at and #found > 0 then search.older() end
  describe()
end

local function begin()
  run += 1
  pattern, found, count, at, spot = buf.get_text(MINE):lower(), {}, 0, nil, nil
  feed.highlight(pattern ~= "" and pattern or nil)
  if pattern ~= "" then read(buf.block_count("transcript"), run) else describe() end
end

-- Going there ----------------------------------------------------------------------------------------------------------

-- Goes on by one hit: within the block that is looked at, then to the next one that has any.
local function step(by)
  if #found == 0 then return end
  local rows = at and feed.rows_with(found[at], pattern) or {}
  local to = (spot or 0) - by
  if not at or to < 1 or to > #rows then
    local other = (at or 0) + by
    if other < 1 or other > #found then return end
    at = other
    rows = feed.rows_with(found[at], pattern)
    to = by > 0 and #rows or 1
  end
  spot = to
  feed.show(rows[spot])
end

function search.older() step(1) end
function search.newer() step(-1) end
function search.is_open() return win.get(search.WINDOW).visible end

-- Opens the line; `then_to` has the keyboard afterwards.
function search.open(then_to)
  leave = then_to
  win.set(search.WINDOW, { visible = true })
  win.focus(search.WINDOW)
  begin()
end

function search.close()
  run += 1
  buf.set_text(MINE, "")
  feed.highlight(nil)
  win.set(search.WINDOW, { visible = false })
end

buf.create(MINE)
win.create(search.WINDOW, { buffer = MINE, visible = false })
buf.attach(MINE, { on_change = function()
  if search.is_open() then begin() end
end })

local function map(keys, fn, desc)
  for key in keys:gmatch("%S+") do
    purlin.keymap.set({ window = search.WINDOW }, key, fn, { desc = desc })
  end
end

map("up ctrl+p shift+tab", search.older, "the hit before")
map("down ctrl+n tab", search.newer, "the hit after")
map("enter", function()
  if count == 0 then search.close() end
  leave(count > 0)
end, "go from hit to hit")
map("esc ctrl+f", function()
  search.close()
  leave(false)
end, "leave the search")

return search
