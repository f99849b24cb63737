-- A text as code points, with the questions that motions ask. Positions are zero-based; the position of a line's end is that
-- of its newline, or of the end of the text.

local Text = {}
Text.__index = Text

-- A text of ASCII is its own list of characters; any other is taken apart.
local function parts(string)
  if not string:find("[\128-\255]") then
    return nil, #string
  end
  local chars, count = {}, 0
  for char in string:gmatch("[%z\1-\127\194-\244][\128-\191]*") do
    count = count + 1
    chars[count] = char
  end
  return chars, count
end

--- Reads a string.
function Text.new(string)
  local chars, count = parts(string)
  return setmetatable({ string = string, chars = chars, count = count }, Text)
end

--- The character at a position; nil at the end of the text.
function Text:at(pos)
  if pos < 0 or pos >= self.count then
    return nil
  end
  return self.chars and self.chars[pos + 1] or self.string:sub(pos + 1, pos + 1)
end

--- The text between two positions.
function Text:sub(from, to)
  if self.chars then
    return table.concat(self.chars, "", from + 1, math.min(to, self.count))
  end
  return self.string:sub(from + 1, to)
end

--- Exchanges the text between two positions.
function Text:replace(from, to, with)
  local string = self:sub(0, from) .. with .. self:sub(to, self.count)
  self.string = string
  self.chars, self.count = parts(string)
end

function Text:line_start(pos)
  while pos > 0 and self:at(pos - 1) ~= "\n" do
    pos = pos - 1
  end
  return pos
end

function Text:line_end(pos)
  if not self.chars then
    local newline = self.string:find("\n", pos + 1, true)
    return newline and newline - 1 or self.count
  end
  while pos < self.count and self.chars[pos + 1] ~= "\n" do
    pos = pos + 1
  end
  return pos
end

function Text:is_line_empty(pos)
  return self:line_start(pos) == self:line_end(pos)
end

--- Where the cursor may stand at most on the line of a position, outside of insert mode.
function Text:last_of_line(pos)
  return math.max(self:line_start(pos), self:line_end(pos) - 1)
end

function Text:first_nonblank(pos)
  local at, stop = self:line_start(pos), self:line_end(pos)
  while at < stop and (self:at(at) == " " or self:at(at) == "\t") do
    at = at + 1
  end
  return at
end

--- Where the motion `^` goes: the first nonblank, or the last character of a blank line.
function Text:indent_end(pos)
  return math.min(self:first_nonblank(pos), self:last_of_line(pos))
end

--- The start of the next line; nil on the last.
function Text:next_line(pos)
  local stop = self:line_end(pos)
  return stop < self.count and stop + 1 or nil
end

--- The start of the previous line; nil on the first.
function Text:previous_line(pos)
  local start = self:line_start(pos)
  return start > 0 and self:line_start(start - 1) or nil
end

function Text:is_last_line(pos)
  return self:line_end(pos) == self.count
end

--- The start of the line with a number from one, or of the last line.
function Text:line(number)
  local pos = 0
  for _ = 2, number do
    local below = self:next_line(pos)
    if not below then
      break
    end
    pos = below
  end
  return pos
end

--- The code point of a character.
local function code(char)
  local a, b, c, d = char:byte(1, 4)
  if #char == 1 then
    return a
  elseif #char == 2 then
    return (a - 192) * 64 + b - 128
  elseif #char == 3 then
    return ((a - 224) * 64 + b - 128) * 64 + c - 128
  end
  return (((a - 240) * 64 + b - 128) * 64 + c - 128) * 64 + d - 128
end

local function char_of(number)
  return string.char(192 + math.floor(number / 64), 128 + number % 64)
end

-- Scripts that write words without blanks between them, each a class of its own.
local scripts = {
  { 0x2010, 0x206f, 1 }, { 0x2190, 0x2bff, 3 }, { 0x3000, 0x3003, 1 }, { 0x3008, 0x3020, 1 }, { 0x3040, 0x309f, 4 },
  { 0x30a0, 0x30ff, 5 }, { 0x3400, 0x9fff, 6 }, { 0xac00, 0xd7a3, 7 }, { 0xff00, 0xff0f, 1 }, { 0x1f000, 0x1faff, 3 },
}

--- Changes the case of a text: "u" to small, "U" to capital letters, "~" each to the other.
function Text.recase(string, how)
  local function ascii(char)
    local lower = char:lower()
    if how == "u" or (how == "~" and char ~= lower) then
      return lower
    end
    return char:upper()
  end
  -- Latin, Greek and Cyrillic letters of two bytes, whose cases lie a fixed distance apart.
  local function wide(char)
    local number = code(char)
    local far
    if number >= 0xc0 and number <= 0xde and number ~= 0xd7 then
      far = 32
    elseif number >= 0xe0 and number <= 0xfe and number ~= 0xf7 then
      far = -32
    elseif number >= 0x391 and number <= 0x3a9 then
      far = 32
    elseif number >= 0x3b1 and number <= 0x3c9 and number ~= 0x3c2 then
      far = -32
    elseif number >= 0x410 and number <= 0x42f then
      far = 32
    elseif number >= 0x430 and number <= 0x44f then
      far = -32
    elseif number >= 0x400 and number <= 0x40f then
      far = 80
    elseif number >= 0x450 and number <= 0x45f then
      far = -80
    end
    if not far or (far > 0 and how == "U") or (far < 0 and how == "u") then
      return char
    end
    return char_of(number + far)
  end
  return (string:gsub("%a", ascii):gsub("[\195-\209][\128-\191]", wide))
end

--- 0 for blanks and line ends, 1 for punctuation, 2 for words, more for other scripts; with `big` all that is not blank is 1.
function Text:class(pos, big)
  local char = self:at(pos)
  if not char or char == "\n" or char == " " or char == "\t" then
    return 0
  end
  if big then
    return 1
  end
  if #char == 1 then
    return char:find("[%w_]") and 2 or 1
  end
  local number = code(char)
  for _, script in ipairs(scripts) do
    if number >= script[1] and number <= script[2] then
      return script[3]
    end
  end
  return 2
end

--- The columns that a character takes when it begins in a column.
function Text:width(pos, column)
  local char = self:at(pos)
  if char == "\t" then
    return 8 - column % 8
  end
  if not char or #char < 3 then
    return 1
  end
  local number = code(char)
  local wide = (number >= 0x2e80 and number <= 0xd7a3) or (number >= 0xf900 and number <= 0xfaff)
    or (number >= 0xff00 and number <= 0xff60) or (number >= 0x1f300 and number <= 0x1faff)
    or (number >= 0x20000 and number <= 0x3fffd)
  return wide and 2 or 1
end

--- The column on which the cursor stands, as it is shown: at the end of a tab.
function Text:column(pos)
  local column = 0
  for at = self:line_start(pos), pos - 1 do
    column = column + self:width(at, column)
  end
  if self:at(pos) == "\t" then
    column = column + self:width(pos, column) - 1
  end
  return column
end

--- The position at a column of the line that begins at `line`, or its last.
function Text:at_column(line, wanted)
  local last, column, at = self:last_of_line(line), 0, line
  while at < last do
    column = column + self:width(at, column)
    if column > wanted then
      break
    end
    at = at + 1
  end
  return at
end

return Text
