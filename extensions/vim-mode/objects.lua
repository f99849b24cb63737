-- Text objects: each answers where it begins, where it ends (not included), and whether it is whole lines.

local motions = require("motions")

local objects = {}

local function run_of(text, pos, big)
  local class = text:class(pos, big)
  local first, last = pos, pos
  local start, stop = text:line_start(pos), text:line_end(pos)
  while first > start and text:class(first - 1, big) == class do
    first = first - 1
  end
  while last + 1 < stop and text:class(last + 1, big) == class do
    last = last + 1
  end
  return first, math.min(last + 1, math.max(stop, pos))
end

local function word(big)
  return function(text, pos, inner, count)
    if text:is_line_empty(pos) then
      return pos, pos
    end
    local first, stop = run_of(text, pos, big)
    local line_end = text:line_end(pos)
    if inner then
      for _ = 2, count do
        if stop >= line_end then
          return nil
        end
        _, stop = run_of(text, stop, big)
      end
      return first, stop
    end
    local began_blank = text:class(pos, big) == 0
    for turn = 1, count do
      if turn > 1 then
        if stop >= line_end then
          return nil
        end
        _, stop = run_of(text, stop, big)
      end
      if stop < line_end and (began_blank or text:class(stop, big) == 0) then
        _, stop = run_of(text, stop, big)
      elseif not began_blank and turn == count then
        -- Without blanks behind it the word takes those before it.
        local start = text:line_start(first)
        local before = first
        while before > start and text:class(before - 1, big) == 0 do
          before = before - 1
        end
        -- An indent stays.
        if before > start then
          first = before
        end
      end
    end
    return first, stop
  end
end

local function quoted(mark)
  return function(text, pos, inner, count)
    local start, stop = text:line_start(pos), text:line_end(pos)
    local open
    local at = start
    while at < stop do
      local char = text:at(at)
      if char == "\\" then
        at = at + 1
      elseif char == mark then
        if not open then
          open = at
        else
          if at >= pos then
            if inner then
              -- With a count the quotes go as well, but no blanks.
              local quotes = count > 1 and 1 or 0
              return open + 1 - quotes, at + quotes
            end
            local last = at + 1
            local first = open
            if last < stop and text:class(last) == 0 then
              while last < stop and text:class(last) == 0 do
                last = last + 1
              end
            else
              while first > start and text:class(first - 1) == 0 do
                first = first - 1
              end
            end
            return first, last
          end
          open = nil
        end
      end
      at = at + 1
    end
    return nil
  end
end

local function bracketed(open, close)
  return function(text, pos, inner, count)
    local at, depth = pos, 0
    if text:at(pos) == close then
      at = motions.partner(text, pos)
      if not at then
        return nil
      end
    else
      while at >= 0 do
        local char = text:at(at)
        if char == open then
          if depth == 0 then
            break
          end
          depth = depth - 1
        elseif char == close and at ~= pos then
          depth = depth + 1
        end
        at = at - 1
      end
    end
    for _ = 2, count do
      depth, at = 0, at - 1
      while at >= 0 do
        local char = text:at(at)
        if char == open then
          if depth == 0 then
            break
          end
          depth = depth - 1
        elseif char == close then
          depth = depth + 1
        end
        at = at - 1
      end
    end
    if at < 0 then
      return nil
    end
    local stop
    if open == "<" then
      depth, stop = 0, at
      while stop < text.count do
        local char = text:at(stop)
        if char == "<" then
          depth = depth + 1
        elseif char == ">" then
          depth = depth - 1
          if depth == 0 then
            break
          end
        end
        stop = stop + 1
      end
      if stop >= text.count then
        return nil
      end
    else
      stop = motions.partner(text, at)
    end
    if not stop or stop < pos then
      return nil
    end
    if not inner then
      return at, stop + 1
    end
    local first, last = at + 1, stop
    -- A block whose brackets end and begin lines is the lines between them.
    if text:at(first) == "\n" then
      local before = last
      while before > first and (text:at(before - 1) == " " or text:at(before - 1) == "\t") do
        before = before - 1
      end
      if text:at(before - 1) == "\n" and before - 1 > first then
        return first + 1, before, true
      end
      if text:at(before - 1) == "\n" then
        return nil
      end
    end
    return first, last
  end
end

local function blank(text, pos)
  return text:first_nonblank(pos) == text:line_end(pos)
end

local function paragraph(text, pos, inner, count)
  local first = text:line_start(pos)
  local kind = blank(text, first)
  while true do
    local above = text:previous_line(first)
    if not above or blank(text, above) ~= kind then
      break
    end
    first = above
  end
  local line = text:line_start(pos)
  local function to_end_of(of)
    while true do
      local below = text:next_line(line)
      if not below or blank(text, below) ~= of then
        return below
      end
      line = below
    end
  end
  local below = to_end_of(kind)
  local blocks = inner and count - 1 or count * 2 - 1
  for turn = 1, blocks do
    if not below then
      if not inner and turn == 1 and not kind then
        -- The last paragraph takes the empty lines before it.
        while true do
          local above = text:previous_line(first)
          if not above or not blank(text, above) then
            break
          end
          first = above
        end
        break
      end
      return nil
    end
    line = below
    below = to_end_of(blank(text, line))
  end
  local stop = text:line_end(line)
  return first, math.min(stop + 1, text.count), true
end

local by_key = {
  w = word(false), W = word(true), p = paragraph,
  ['"'] = quoted('"'), ["'"] = quoted("'"), ["`"] = quoted("`"),
}
for _, set in ipairs({ { "(", ")", "b" }, { "{", "}", "B" }, { "[", "]" }, { "<", ">" } }) do
  local object = bracketed(set[1], set[2])
  for _, key in ipairs(set) do
    by_key[key] = object
  end
end

--- Finds an object around a position.
function objects.find(text, pos, key, inner, count)
  local object = by_key[key]
  if not object then
    return nil
  end
  return object(text, pos, inner, count)
end

function objects.exists(key)
  return by_key[key] ~= nil
end

return objects
