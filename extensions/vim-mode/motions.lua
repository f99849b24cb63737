-- Motions. Each is called with a context `{text, pos, count, counted, column, state, operator, char}` and answers the position it
-- leads to and its kind: "exclusive", "inclusive" or "linewise"; nothing if it cannot go there.

local Text = require("text")

local motions = {}

local function left(c)
  local target = math.max(c.text:line_start(c.pos), c.pos - c.count)
  return (target ~= c.pos or c.operator) and target or nil, "exclusive"
end

local function right(c)
  local text = c.text
  -- An operator may take the last character of a line.
  local stop = c.operator and text:line_end(c.pos) or text:last_of_line(c.pos)
  if c.state.mode:find("^visual") then
    stop = text:last_of_line(c.pos)
  end
  if c.pos >= stop then
    return c.operator and stop or nil, "exclusive"
  end
  return math.min(stop, c.pos + c.count), "exclusive"
end

-- Keeps to the column that vertical motions began with.
local function on_column(c, line)
  if c.column == math.huge then
    return c.text:last_of_line(line)
  end
  return c.text:at_column(line, c.column)
end

-- Goes so many lines up or down, or as many as there are.
local function steps(text, line, count, step)
  for _ = 1, count do
    local following = step(text, line)
    if not following then
      break
    end
    line = following
  end
  return line
end

local function vertical(step)
  return function(c)
    local first = c.text:line_start(c.pos)
    local line = steps(c.text, first, c.count, step)
    if line == first then
      return nil
    end
    return on_column(c, line), "linewise", true
  end
end

local down, up = vertical(Text.next_line), vertical(Text.previous_line)

-- Goes so many lines down, or as many as there are; nil on the last line.
local function line_down(c, count)
  if count > 0 and c.text:is_last_line(c.pos) then
    return nil
  end
  return steps(c.text, c.pos, count, Text.next_line)
end

motions.line_down = line_down

-- To the start of the next word. An empty line is a word.
local function next_word(text, pos, big)
  local class = text:class(pos, big)
  if class ~= 0 then
    while pos < text.count and text:class(pos, big) == class do
      pos = pos + 1
    end
  elseif pos < text.count and text:is_line_empty(pos) then
    pos = pos + 1
  end
  while pos < text.count and text:class(pos, big) == 0 do
    if text:is_line_empty(pos) then
      return pos
    end
    pos = pos + 1
  end
  return pos
end

local function word_end(text, pos, big, stays)
  if not stays then
    pos = pos + 1
  end
  while pos < text.count and text:class(pos, big) == 0 do
    pos = pos + 1
  end
  if pos >= text.count then
    return nil
  end
  local class = text:class(pos, big)
  while text:class(pos + 1, big) == class do
    pos = pos + 1
  end
  return pos
end

local function previous_word(text, pos, big)
  pos = pos - 1
  while pos > 0 and text:class(pos, big) == 0 do
    if text:is_line_empty(pos) then
      return pos
    end
    pos = pos - 1
  end
  if pos < 0 then
    return nil
  end
  local class = text:class(pos, big)
  while class ~= 0 and pos > 0 and text:class(pos - 1, big) == class do
    pos = pos - 1
  end
  return pos
end

local function previous_end(text, pos, big)
  local class = text:class(pos, big)
  while class ~= 0 and pos >= 0 and text:class(pos, big) == class do
    pos = pos - 1
  end
  if class == 0 then
    pos = pos - 1
  end
  while pos > 0 and text:class(pos, big) == 0 do
    if text:is_line_empty(pos) then
      return pos
    end
    pos = pos - 1
  end
  return math.max(pos, 0)
end

local function word(big)
  return function(c)
    local text, pos = c.text, c.pos
    if c.operator == "c" and text:class(pos, big) ~= 0 then
      -- `cw` on a word changes to its end and leaves the blanks behind it.
      for turn = 1, c.count do
        local stop = word_end(text, pos, big, turn == 1)
        if not stop then
          pos = math.max(text.count - 1, 0)
          break
        end
        pos = stop
      end
      return pos, "inclusive"
    end
    local from = pos
    for turn = 1, c.count do
      local target = next_word(text, pos, big)
      if c.operator and turn == c.count and target > text:line_end(pos) then
        -- The last word of a line ends with the line.
        local stop = text:line_end(pos)
        if not (pos == from and text:is_line_empty(pos)) then
          target = math.max(stop, pos)
        end
      end
      if target == pos or (not c.operator and target >= text.count and pos >= text:last_of_line(text.count)) then
        return pos ~= from and pos or nil, "exclusive"
      end
      pos = target
    end
    if not c.operator then
      pos = math.min(pos, text:last_of_line(pos))
    end
    return pos, "exclusive"
  end
end

local function ends(big)
  return function(c)
    local pos = c.pos
    for _ = 1, c.count do
      local target = word_end(c.text, pos, big)
      if not target then
        local last = c.text:last_of_line(c.text.count)
        return (last > c.pos or c.operator) and math.max(last, c.pos) or nil, "inclusive"
      end
      pos = target
    end
    return pos, "inclusive"
  end
end

local function backwards(step, kind)
  return function(big)
    return function(c)
      local pos = c.pos
      for _ = 1, c.count do
        if pos == 0 then
          break
        end
        pos = step(c.text, pos, big) or 0
      end
      return pos ~= c.pos and pos or nil, kind
    end
  end
end

local back, back_end = backwards(previous_word, "exclusive"), backwards(previous_end, "inclusive")

-- To the count-th character on this line.
local function find_char(c, how, char, again)
  local text, pos = c.text, c.pos
  local forward, till = how == "f" or how == "t", how == "t" or how == "T"
  local step = forward and 1 or -1
  local first, last = text:line_start(pos), text:line_end(pos) - 1
  local left_over, at = c.count, pos
  if again and till and c.count == 1 and text:at(pos + step) == char then
    -- Repeating `t` right before the character goes on to the next.
    at = at + step
  end
  while left_over > 0 do
    at = at + step
    if at < first or at > last then
      return nil
    end
    if text:at(at) == char then
      left_over = left_over - 1
    end
  end
  if till then
    at = at - step
  end
  return at, forward and "inclusive" or "exclusive"
end

local function finder(how)
  return function(c)
    c.state.found = { how = how, char = c.char }
    return find_char(c, how, c.char)
  end
end

local opposite = { f = "F", F = "f", t = "T", T = "t" }

local function find_again(reversed)
  return function(c)
    local found = c.state.found
    if not found then
      return nil
    end
    return find_char(c, reversed and opposite[found.how] or found.how, found.char, true)
  end
end

local function paragraph(step)
  return function(c)
    local text = c.text
    local pos = text:line_start(c.pos)
    for turn = 1, c.count do
      local skipped = not text:is_line_empty(pos)
      local line = pos
      while true do
        local following = step > 0 and text:next_line(line) or step < 0 and text:previous_line(line) or nil
        if not following then
          if turn < c.count then
            return nil
          end
          local stop = step > 0 and text:last_of_line(text.count) or 0
          if step > 0 and c.operator then
            stop = text.count
          end
          return stop, step > 0 and not c.operator and "inclusive" or "exclusive"
        end
        line = following
        if text:is_line_empty(line) then
          if skipped then
            break
          end
        else
          skipped = true
        end
      end
      pos = line
    end
    return pos, "exclusive"
  end
end

local pairs_of = { ["("] = ")", ["["] = "]", ["{"] = "}" }
local openers = { [")"] = "(", ["]"] = "[", ["}"] = "{" }

--- The position of the bracket that belongs to the one at `pos`.
function motions.partner(text, pos)
  local char = text:at(pos)
  local close, open = pairs_of[char], openers[char]
  local step, same, other = 1, char, close
  if open then
    step, other = -1, open
  end
  if not other then
    return nil
  end
  local depth = 0
  while pos >= 0 and pos < text.count do
    local at = text:at(pos)
    if at == same then
      depth = depth + 1
    elseif at == other then
      depth = depth - 1
      if depth == 0 then
        return pos
      end
    end
    pos = pos + step
  end
  return nil
end

local function matching(c)
  if c.counted then
    -- With a count, `%` is a percentage of the lines.
    local lines = 1
    for at = 0, c.text.count - 1 do
      if c.text:at(at) == "\n" then
        lines = lines + 1
      end
    end
    if c.count > 100 then
      return nil
    end
    return c.text:indent_end(c.text:line(math.floor((c.count * lines + 99) / 100))), "linewise"
  end
  local pos, stop = c.pos, c.text:line_end(c.pos)
  while pos < stop do
    local char = c.text:at(pos)
    if pairs_of[char] or openers[char] then
      return motions.partner(c.text, pos), "inclusive"
    end
    pos = pos + 1
  end
  return nil
end

local function to_line(default)
  return function(c)
    local line = c.counted and c.text:line(c.count) or default(c.text)
    return c.text:indent_end(line), "linewise"
  end
end

motions.plain = {
  h = left, left = left, backspace = function(c)
    local pos = math.max(0, c.pos - c.count)
    return pos ~= c.pos and pos or nil, "exclusive"
  end,
  l = right, right = right,
  j = down, down = down, k = up, up = up,
  ["0"] = function(c) return c.text:line_start(c.pos), "exclusive" end,
  home = function(c) return c.text:line_start(c.pos), "exclusive" end,
  ["^"] = function(c) return c.text:indent_end(c.pos), "exclusive" end,
  ["$"] = function(c)
    local line = line_down(c, c.count - 1)
    if not line then
      return nil
    end
    local last = c.text:last_of_line(c.count > 1 and line or c.pos)
    return last, "inclusive", false, math.huge
  end,
  ["_"] = function(c)
    local line = line_down(c, c.count - 1)
    -- Yanking leaves the cursor where it is.
    return line and (c.operator == "y" and line or c.text:indent_end(line)), "linewise"
  end,
  ["+"] = function(c)
    local line = line_down(c, c.count)
    return line and c.text:indent_end(line), "linewise"
  end,
  ["-"] = function(c)
    local line = steps(c.text, c.pos, c.count, Text.previous_line)
    return line ~= c.pos and c.text:indent_end(line) or nil, "linewise"
  end,
  ["|"] = function(c)
    return c.text:at_column(c.text:line_start(c.pos), c.count - 1), "exclusive", false, c.count - 1
  end,
  w = word(false), W = word(true), e = ends(false), E = ends(true), b = back(false), B = back(true),
  G = to_line(function(text) return text.count end),
  ["{"] = paragraph(-1), ["}"] = paragraph(1),
  ["%"] = matching,
  [";"] = find_again(false), [","] = find_again(true),
}
motions.plain["end"] = motions.plain["$"]
motions.plain.enter = nil

-- Right, and on to the next line.
motions.plain[" "] = function(c)
  local pos = c.pos
  for _ = 1, c.count do
    if pos >= c.text.count or (not c.operator and pos >= c.text:last_of_line(c.text.count)) then
      break
    end
    pos = pos + 1
    if c.text:at(pos) == "\n" and not c.operator and not c.text:is_line_empty(pos) then
      pos = pos + 1
    end
  end
  return pos ~= c.pos and pos or nil, "exclusive"
end

--- Motions of two keys, by the key after `g`.
motions.after_g = {
  g = to_line(function() return 0 end),
  e = back_end(false), E = back_end(true),
  ["_"] = function(c)
    local line = line_down(c, c.count - 1)
    if not line then
      return nil
    end
    local start, at = c.text:line_start(line), c.text:last_of_line(line)
    while at > start and (c.text:at(at) == " " or c.text:at(at) == "\t") do
      at = at - 1
    end
    return at, "inclusive"
  end,
}

--- Motions to a character that is typed after them.
motions.to_char = { f = finder("f"), F = finder("F"), t = finder("t"), T = finder("T") }

return motions
