-- The editor: keys in, changes of a text out. It knows no buffer and no screen, only a host:
--   host.text() -> string, host.cursor() -> integer, host.replace(from, to, string), host.set_cursor(pos),
--   host.mode(name), host.select(from, to) or host.select(nil)
-- A command is straight code in a coroutine that asks for the next key, so that `d2aw` reads as it is typed.

local Text = require("text")
local motions = require("motions")
local objects = require("objects")

local Engine = {}
Engine.__index = Engine

local UNDO_STEPS, UNDO_BYTES = 200, 8 * 1024 * 1024
local INDENT = 2

function Engine.new(host)
  local self = setmetatable({
    host = host,
    mode = "insert",
    registers = {},
    undone = {},
    done = {},
    pending = "",
    queue = {},
  }, Engine)
  return self
end

--- Reads the text again; it may have been changed by others between two keys.
function Engine:look()
  local string = self.host.text()
  if string ~= self.string then
    self.string, self.text = string, Text.new(string)
  end
  self.pos = math.min(self.host.cursor(), self.text.count)
end

--- Takes a key; answers false for one that is not meant for this mode.
function Engine:key(key)
  self:look()
  if self.mode == "insert" then
    if not self.before then
      self:begin(self.pos)
    end
    if key == "escape" or key == "ctrl+[" then
      self:leave_insert()
      return true
    end
    return false
  end
  if key == "ctrl+[" then
    key = "escape"
  end
  if key == "escape" and self.mode == "normal" and self.pending == "" then
    return false
  end
  if #key > 1 and key:find("^%a+%+") and key ~= "ctrl+r" then
    return false
  end
  if self.mode == "normal" and self.pending == "" and (key == "enter" or key == "tab") then
    return false
  end
  self:resume(key)
  return true
end

--- Goes back to insert mode and forgets what was begun.
function Engine:reset()
  self.thread, self.pending, self.queue = nil, "", {}
  self.inserting, self.last_insert, self.before = nil, nil, nil
  self.host.select(nil)
  self:set_mode("insert")
end

function Engine:resume(key)
  if not self.thread or coroutine.status(self.thread) == "dead" then
    self.thread = coroutine.create(function()
      while true do
        self:command()
      end
    end)
    -- It runs to where it asks for its first key.
    assert(coroutine.resume(self.thread))
  end
  local thread = self.thread
  local fine, why = coroutine.resume(thread, key)
  if not fine then
    self.thread, self.pending = nil, ""
    error(why, 0)
  end
end

-- Answers the next key: one that is repeated, or one that is typed.
function Engine:next()
  local key = table.remove(self.queue, 1)
  if not key then
    key = coroutine.yield()
    self.pending = self.pending .. (#key == 1 and key or key .. " ")
  end
  self.keys[#self.keys + 1] = key
  return key
end

-- Changes of the text ---------------------------------------------------------------------------------------------------------

function Engine:move(pos)
  self.pos = pos
  self.host.set_cursor(pos)
end

function Engine:edit(from, to, with)
  self.text:replace(from, to, with)
  self.host.replace(from, to, with)
  self.string = self.host.text()
end

function Engine:set_mode(mode)
  self.mode = mode
  self.host.mode(mode)
end

-- Remembers the text before a change.
function Engine:begin(cursor)
  self.before = { text = self.string, cursor = cursor }
end

-- Makes what changed since `begin` one step of undo.
function Engine:finish()
  local before = self.before
  self.before = nil
  if not before or before.text == self.string then
    return
  end
  self.undone = {}
  local done = self.done
  done[#done + 1] = { before = before.text, after = self.string, cursor = before.cursor }
  local bytes = 0
  for index = #done, 1, -1 do
    bytes = bytes + #done[index].before
    if bytes > UNDO_BYTES or #done - index >= UNDO_STEPS then
      for _ = 1, index do
        table.remove(done, 1)
      end
      break
    end
  end
end

-- Exchanges the text, touching only what differs.
function Engine:exchange(string)
  local new, old = Text.new(string), self.text
  local first, shorter = 0, math.min(new.count, old.count)
  while first < shorter and new:at(first) == old:at(first) do
    first = first + 1
  end
  local same = 0
  while same < shorter - first and new:at(new.count - same - 1) == old:at(old.count - same - 1) do
    same = same + 1
  end
  self:edit(first, old.count - same, new:sub(first, new.count - same))
  return first
end

function Engine:travel(from, to, wanted, result)
  for _ = 1, self.count do
    local step = from[#from]
    if not step or step[wanted] ~= self.string then
      -- Somebody else changed the text: these steps lead nowhere any more.
      for index = #from, 1, -1 do
        from[index] = nil
      end
      return
    end
    from[#from] = nil
    to[#to + 1] = step
    local first = self:exchange(step[result])
    local line = self.text:line_start(math.min(first, self.text.count))
    local cursor = math.min(step.cursor, self.text.count)
    if result == "after" or self.text:line_start(cursor) ~= line then
      cursor = self.text:indent_end(line)
    end
    self:move(math.min(cursor, self.text:last_of_line(cursor)))
  end
end

-- Registers -------------------------------------------------------------------------------------------------------------------

function Engine:store(from, to, linewise, is_yank)
  local name = self.register
  if name == "_" or (from == to and not linewise) then
    return
  end
  local text = self.text:sub(from, to)
  if linewise and text:sub(-1) ~= "\n" then
    text = text .. "\n"
  end
  local value = { text = text, linewise = linewise }
  if name and name:find("%u") then
    local old = self.registers[name:lower()]
    if old then
      local join = (linewise and not old.linewise) and "\n" or ""
      value = { text = old.text .. join .. text, linewise = old.linewise or linewise }
      if value.linewise and value.text:sub(-1) ~= "\n" then
        value.text = value.text .. "\n"
      end
    end
    name = name:lower()
  end
  if name then
    self.registers[name] = value
  elseif is_yank then
    self.registers["0"] = value
  end
  self.registers['"'] = value
end

function Engine:stored()
  return self.registers[(self.register or '"'):lower()]
end

-- Operators -------------------------------------------------------------------------------------------------------------------

local function each_line(self, from, to, change)
  local line = self.text:line_start(from)
  local stop = to
  while line and line < math.max(stop, from + 1) do
    local before = self.text.count
    change(line)
    stop = stop + self.text.count - before
    line = self.text:next_line(line)
  end
end

local function recased(how)
  return function(self, range)
    self:edit(range.from, range.to, Text.recase(self.text:sub(range.from, range.to), how))
    self:move(range.cursor)
  end
end

local function shifted(by)
  return function(self, range)
    each_line(self, range.from, range.to, function(line)
      if self.text:is_line_empty(line) then
        return
      end
      local at, width = line, 0
      while self.text:at(at) == " " or self.text:at(at) == "\t" do
        width = self.text:at(at) == "\t" and width + 8 - width % 8 or width + 1
        at = at + 1
      end
      self:edit(line, at, (" "):rep(math.max(width + by * (range.times or 1), 0)))
    end)
    self:move(self.text:indent_end(math.min(range.from, self.text.count)))
  end
end

local operators = {}

function operators.y(self, range)
  self:store(range.from, range.to, range.linewise, true)
  self:move(range.cursor)
end

function operators.d(self, range)
  self:store(range.from, range.to, range.linewise)
  local from, to = range.from, range.to
  if range.linewise and to >= self.text.count and self.text:at(self.text.count - 1) ~= nil and from > 0 then
    -- The last lines take the newline before them.
    if not (to == self.text.count and self.text:at(to - 1) == "\n" and from < to and self:ends_before(to)) then
      from = from - 1
    end
  end
  self:edit(from, to, "")
  if range.linewise then
    local line = self.text:line_start(math.min(range.from, self.text.count))
    self:move(self.text:indent_end(line))
  else
    self:move(math.min(from, self.text:last_of_line(from)))
  end
end

-- Whether the lines up to here were followed by one more, an empty one.
function Engine:ends_before(_)
  return self.keeps_line == true
end

function operators.c(self, range)
  self:store(range.from, range.to, range.linewise)
  local to = range.to
  if range.linewise and to > range.from and self.text:at(to - 1) == "\n" and not range.last then
    to = to - 1
  end
  self:edit(range.from, to, "")
  self:move(range.from)
  self:insert()
end

operators[">"], operators["<"] = shifted(INDENT), shifted(-INDENT)
operators["g~"], operators["gu"], operators["gU"] = recased("~"), recased("u"), recased("U")

-- The lines from one position to another, as a range.
function Engine:lines(from, to, cursor)
  local first, stop = self.text:line_start(from), self.text:line_end(to)
  local last = stop >= self.text.count
  return {
    from = first,
    to = last and stop or stop + 1,
    linewise = true,
    last = last,
    cursor = cursor or math.min(from, to),
  }
end

-- What a motion covers.
function Engine:covered(target, kind)
  local from, to = math.min(self.pos, target), math.max(self.pos, target)
  if kind == "linewise" then
    return self:lines(from, to, from)
  end
  if kind == "inclusive" then
    -- The end of an empty line is not taken along.
    if not self.text:is_line_empty(to) then
      to = math.min(to + 1, self.text.count)
    end
  elseif to > from and to == self.text:line_start(to) and self.text:line_start(from) ~= to then
    -- An exclusive motion that ends at the start of a line ends with the line before it.
    to = to - 1
    if from <= self.text:first_nonblank(from) then
      return self:lines(from, to, from)
    end
  end
  return { from = from, to = to, cursor = from }
end

-- Reads a count; answers nil if there is none, and the key behind it.
function Engine:counted()
  local digits = ""
  local key = self:next()
  while key:find("^%d$") and (key ~= "0" or digits ~= "") do
    digits = digits .. key
    key = self:next()
  end
  return digits ~= "" and math.min(tonumber(digits), 99999) or nil, key
end

-- Reads the rest of a motion that begins with `key`; answers target and kind.
function Engine:motion(key, count, operator)
  local motion, char = motions.plain[key], nil
  if key == "g" then
    motion = motions.after_g[self:next()]
  elseif motions.to_char[key] then
    motion, char = motions.to_char[key], self:next()
    if char == "escape" then
      return nil
    end
  end
  if not motion then
    return nil
  end
  if key == "j" or key == "k" or key == "up" or key == "down" then
    self.column = self.column or self.text:column(self.pos)
  end
  local target, kind, keeps, column = motion({
    text = self.text, pos = self.pos, count = count or 1, counted = count ~= nil, column = self.column,
    state = self, operator = operator, char = char,
  })
  if target and not keeps then
    self.column = column
  end
  return target, kind
end

-- Reads what an operator works on.
function Engine:object(operator, first_count)
  local count, key = self:counted()
  local total = count and count * (first_count or 1) or first_count
  if key == operator or (#operator == 2 and key == operator:sub(2)) then
    local line = motions.line_down(self, (total or 1) - 1)
    local cursor = self.pos
    if operator ~= "y" and line == self.pos then
      cursor = math.min(cursor, self.text:first_nonblank(cursor))
    end
    return line and self:lines(self.pos, line, cursor)
  end
  if key == "i" or key == "a" then
    local name = self:next()
    local from, to, linewise = objects.find(self.text, self.pos, name, key == "i", total or 1)
    if not from then
      return nil
    end
    if linewise then
      local range = self:lines(from, math.max(from, to - 1), from)
      return range
    end
    return { from = from, to = to, cursor = from }
  end
  local target, kind = self:motion(key, total, operator)
  if not target then
    return nil
  end
  return self:covered(target, kind)
end

-- Insert mode -----------------------------------------------------------------------------------------------------------------

function Engine:insert()
  if self.repeated then
    -- The text that was typed then is typed again.
    local text = self.repeated.inserted or ""
    self:edit(self.pos, self.pos, text)
    self:move(self.pos + Text.new(text).count)
    self.typed = { start = self.pos, text = text }
    self.after_insert(self)
    return
  end
  self.inserting = { start = self.pos, before = self.string, cursor = self.pos }
  self:set_mode("insert")
end

-- What was typed since insert mode began, if it was typed in one place.
function Engine:typed_text()
  local inserting = self.inserting
  if not inserting then
    return ""
  end
  local old = Text.new(inserting.before)
  local grown = self.text.count - old.count
  if grown <= 0 then
    return ""
  end
  local start = inserting.start
  local fits = self.text:sub(0, start) == old:sub(0, start)
    and self.text:sub(start + grown, self.text.count) == old:sub(start, old.count)
  return fits and self.text:sub(start, start + grown) or ""
end

function Engine:leave_insert()
  local typed = self:typed_text()
  local command = self.last_insert
  if command then
    command.inserted = typed
    self.last = command
    self.last_insert = nil
  end
  if self.inserting then
    for _ = 2, command and command.times or 1 do
      self:edit(self.pos, self.pos, (command.opens and "\n" or "") .. typed)
      self:move(self.pos + Text.new(typed).count + (command.opens and 1 or 0))
    end
  end
  self.inserting = nil
  self:finish()
  self:set_mode("normal")
  if self.pos > self.text:line_start(self.pos) then
    self:move(self.pos - 1)
  end
  self.column = nil
end

function Engine:after_insert()
  for _ = 2, self.insert_times or 1 do
    local opens = self.insert_opens and "\n" or ""
    self:edit(self.pos, self.pos, opens .. self.typed.text)
    self:move(self.pos + Text.new(self.typed.text).count + #opens)
  end
  if self.pos > self.text:line_start(self.pos) then
    self:move(self.pos - 1)
  end
end

-- Enters insert mode by a command that can be repeated so many times.
function Engine:start_insert(times, opens)
  self.insert_times, self.insert_opens = times, opens
  self:insert()
end

-- Commands of normal mode -----------------------------------------------------------------------------------------------------

local commands = {}

local function before(place)
  return function(self)
    local times = self.count
    self:move(place(self))
    self:start_insert(times)
  end
end

commands.i = before(function(self) return self.pos end)
commands.I = before(function(self) return self.text:first_nonblank(self.pos) end)
commands.a = before(function(self) return math.min(self.pos + 1, self.text:line_end(self.pos)) end)
commands.A = before(function(self) return self.text:line_end(self.pos) end)
commands.insert = commands.i

function commands.o(self)
  local stop = self.text:line_end(self.pos)
  self:edit(stop, stop, "\n")
  self:move(stop + 1)
  self:start_insert(self.count, true)
end

function commands.O(self)
  local start = self.text:line_start(self.pos)
  self:edit(start, start, "\n")
  self:move(start)
  self:start_insert(self.count, true)
end

local function on_motion(operator, key)
  return function(self)
    local target, kind = self:motion(key, self.given, operator)
    if target then
      local range = self:covered(target, kind)
      self.before.cursor = range.cursor
      operators[operator](self, range)
    end
  end
end

commands.x, commands.delete, commands.X = on_motion("d", "l"), on_motion("d", "l"), on_motion("d", "h")
commands.D, commands.C, commands.Y = on_motion("d", "$"), on_motion("c", "$"), on_motion("y", "$")
commands.s = on_motion("c", "l")

function commands.S(self)
  local line = motions.line_down(self, self.count - 1)
  if line then
    operators.c(self, self:lines(self.pos, line))
  end
end

function commands.r(self)
  local char = self:next()
  if char == "escape" then
    return
  end
  if char == "enter" then
    char = "\n"
  end
  local stop = self.pos + self.count
  if stop > self.text:line_end(self.pos) then
    return
  end
  if char == "\n" then
    self:edit(self.pos, stop, "\n")
    self:move(self.pos + 1)
    return
  end
  self:edit(self.pos, stop, char:rep(self.count))
  self:move(stop - 1)
end

commands["~"] = function(self)
  local stop = math.min(self.pos + self.count, self.text:line_end(self.pos))
  if stop == self.pos then
    return
  end
  recased("~")(self, { from = self.pos, to = stop, cursor = self.pos })
  self:move(math.min(stop, self.text:last_of_line(self.pos)))
end

local function put(after)
  return function(self)
    local stored = self:stored()
    if not stored then
      return
    end
    local text = stored.text
    if stored.linewise then
      local body = text:rep(self.count)
      if after then
        local stop = self.text:line_end(self.pos)
        self:edit(stop, stop, "\n" .. body:sub(1, -2))
        self:move(self.text:indent_end(stop + 1))
      else
        local start = self.text:line_start(self.pos)
        self:edit(start, start, body)
        self:move(self.text:indent_end(start))
      end
      return
    end
    local at = self.pos
    if after and not self.text:is_line_empty(at) then
      at = at + 1
    end
    local body = text:rep(self.count)
    self:edit(at, at, body)
    if text:find("\n") then
      self:move(at)
    else
      self:move(math.max(at + Text.new(body).count - 1, at))
    end
  end
end

commands.p, commands.P = put(true), put(false)

local function join(self, lines, keeps_blanks)
  local at
  for _ = 1, math.max(lines - 1, 1) do
    local stop = self.text:line_end(self.pos)
    if stop >= self.text.count then
      return at
    end
    local next_text = stop + 1
    if not keeps_blanks then
      while self.text:at(next_text) == " " or self.text:at(next_text) == "\t" do
        next_text = next_text + 1
      end
    end
    local following = self.text:at(next_text)
    local previous = stop > self.text:line_start(stop) and self.text:at(stop - 1) or nil
    local glue = " "
    if keeps_blanks or not following or following == "\n" or following == ")" or not previous
      or previous == " " or previous == "\t" then
      glue = ""
    end
    self:edit(stop, next_text, glue)
    at = stop
    self.pos = stop
  end
  return at
end

function commands.J(self)
  local below = self.text:next_line(self.pos)
  if not below then
    return
  end
  local at = join(self, math.max(self.count, 2), false)
  self:move(math.min(at, self.text:last_of_line(at)))
end

commands.undo = function(self)
  self:travel(self.done, self.undone, "after", "before")
end
commands.redo = function(self)
  self:travel(self.undone, self.done, "before", "after")
end

local not_changing = { ["."] = true, v = true, V = true, y = true }

function commands.v(self)
  self.anchor = self.pos
  self:set_mode("visual")
  self:show_selection()
end

function commands.V(self)
  self.anchor = self.pos
  self:set_mode("visual_line")
  self:show_selection()
end

-- Repeats the last change.
function Engine:again()
  local last = self.last
  if not last then
    return
  end
  self.queue = {}
  for index, key in ipairs(last.keys) do
    self.queue[index] = key
  end
  self.repeated = last
  self.register = last.register
  local count = self.given or last.count
  self.given, self.count = count, count or 1
  if last.extent then
    self:reselect(last.extent)
    self:visual_command(self:next())
  else
    self:act(self:next())
  end
  self.queue, self.repeated = {}, nil
end

-- Does what a key says; answers whether it changed the text in a way that `.` repeats.
function Engine:act(key)
  if key == "d" or key == "c" or key == "y" or key == ">" or key == "<" then
    return self:operate(key)
  end
  if key == "g" then
    return self:after_g()
  end
  local command = commands[key]
  if command then
    command(self)
    return not not_changing[key] and key ~= "Y"
  end
  self:go(key)
  return false
end

function Engine:go(key)
  local target = self:motion(key, self.given)
  if target then
    self:move(math.min(target, self.text:last_of_line(target)))
  elseif self.host.blocked then
    self.host.blocked(key)
  end
end

function Engine:operate(operator)
  local range = self:object(operator, self.given)
  if not range then
    return false
  end
  self.before.cursor = range.cursor
  operators[operator](self, range)
  return operator ~= "y"
end

function Engine:after_g()
  local key = self:next()
  if key == "~" or key == "u" or key == "U" then
    return self:operate("g" .. key)
  end
  if key == "J" then
    local at = self.text:next_line(self.pos) and join(self, math.max(self.count, 2), true)
    if at then
      self:move(math.min(at, self.text:last_of_line(at)))
    end
    return true
  end
  if key == "v" and self.last_visual then
    local last = self.last_visual
    self.anchor = math.min(last.anchor, self.text.count)
    self:set_mode(last.mode)
    self:move(math.min(last.pos, self.text:last_of_line(math.min(last.pos, self.text.count))))
    self:show_selection()
    return false
  end
  table.insert(self.queue, 1, key)
  self.keys[#self.keys] = nil
  self:go("g")
  return false
end

-- Visual mode -----------------------------------------------------------------------------------------------------------------

function Engine:selected()
  local from, to = math.min(self.anchor, self.pos), math.max(self.anchor, self.pos)
  if self.mode == "visual_line" then
    return self:lines(from, to, from)
  end
  to = self.column == math.huge and self.text:line_end(to) + 1 or to + 1
  return { from = from, to = math.min(to, self.text.count), cursor = from }
end

function Engine:show_selection()
  local range = self:selected()
  self.host.select(range.from, math.max(range.to, range.from))
end

function Engine:leave_visual()
  self.last_visual = { anchor = self.anchor, pos = self.pos, mode = self.mode }
  self.host.select(nil)
  self:set_mode("normal")
end

-- Selects as much as was selected when a change is repeated.
function Engine:reselect(extent)
  self.anchor = self.pos
  self.mode = extent.mode
  local line = self.pos
  for _ = 2, extent.lines do
    line = self.text:next_line(line) or line
  end
  if extent.mode == "visual_line" then
    self.pos = line
  elseif extent.lines == 1 then
    self.pos = math.min(self.pos + extent.chars - 1, self.text:last_of_line(self.pos))
  else
    self.pos = math.min(self.text:line_start(line) + extent.chars - 1, self.text:last_of_line(line))
  end
end

function Engine:extent()
  local range = self:selected()
  local lines = 1
  for at = range.from, math.max(range.from, range.to - 1) - 1 do
    if self.text:at(at) == "\n" then
      lines = lines + 1
    end
  end
  local last = math.max(self.anchor, self.pos)
  local chars = lines == 1 and last - range.from + 1 or last - self.text:line_start(last) + 1
  return { mode = self.mode, lines = lines, chars = chars }
end

local visual_operators = {
  d = "d", x = "d", delete = "d", backspace = "d", y = "y", c = "c", s = "c", [">"] = ">", ["<"] = "<",
  u = "gu", U = "gU", ["~"] = "g~",
}
local by_lines = { X = "d", D = "d", C = "c", S = "c", R = "c", Y = "y" }

function Engine:visual_apply(operator, linewise)
  local range = self:selected()
  if linewise and not range.linewise then
    range = self:lines(range.from, math.max(range.from, range.to - 1), range.from)
  end
  if operator == ">" or operator == "<" then
    range.times = self.count
  end
  if range.linewise then
    range.cursor = range.from
  end
  self.before.cursor = range.cursor
  self:leave_visual()
  operators[operator](self, range)
  if self.mode == "normal" then
    self:move(math.min(self.pos, self.text:last_of_line(self.pos)))
  end
  return operator ~= "y"
end

function Engine:visual_put()
  local stored = self:stored()
  if not stored then
    return
  end
  local range = self:selected()
  self:leave_visual()
  self.register = nil
  operators.d(self, range)
  local deleted = self.registers['"']
  local text = stored.text:rep(self.count)
  if range.linewise then
    local body = stored.linewise and text or text .. "\n"
    local start = math.min(range.from, self.text.count)
    if range.last and self.text.count > 0 and start > 0 or (range.last and range.from > 0) then
      self:edit(self.text.count, self.text.count, "\n" .. body:sub(1, -2))
      start = self.text:line_start(math.min(range.from, self.text.count))
    elseif self.text.count == 0 then
      self:edit(0, 0, body:sub(1, -2))
      start = 0
    else
      self:edit(start, start, body)
    end
    self:move(self.text:indent_end(start))
  elseif stored.linewise then
    self:edit(range.from, range.from, "\n" .. text)
    self:move(self.text:indent_end(range.from + 1))
  else
    self:edit(range.from, range.from, text)
    if text:find("\n") then
      self:move(range.from)
    else
      self:move(math.max(range.from, range.from + Text.new(text).count - 1))
    end
  end
  self.registers['"'] = deleted
end

-- Does what a key says in visual mode; answers whether it changed the text.
function Engine:visual_command(key)
  if key == "escape" then
    self:leave_visual()
    self:move(math.min(self.pos, self.text:last_of_line(self.pos)))
    return false
  end
  if key == "v" or key == "V" then
    local wanted = key == "v" and "visual" or "visual_line"
    if self.mode == wanted then
      self:leave_visual()
    else
      self:set_mode(wanted)
    end
    return false
  end
  if key == "o" or key == "O" then
    local anchor = self.anchor
    self.anchor = self.pos
    self:move(anchor)
    self.column = nil
    return false
  end
  if visual_operators[key] then
    return self:visual_apply(visual_operators[key])
  end
  if by_lines[key] then
    return self:visual_apply(by_lines[key], true)
  end
  if key == "r" then
    local char = self:next()
    if char ~= "escape" and char ~= "enter" then
      local range = self:selected()
      self:leave_visual()
      local text = self.text:sub(range.from, range.to):gsub("[^\n\128-\191][\128-\191]*", function() return char end)
      self:edit(range.from, range.to, text)
      self:move(range.from)
    end
    return true
  end
  if key == "J" then
    local range = self:selected()
    self:leave_visual()
    local lines = 1
    for at = range.from, math.max(range.from, range.to - 1) - 1 do
      if self.text:at(at) == "\n" then
        lines = lines + 1
      end
    end
    self:move(range.linewise and range.from or range.cursor)
    local at = join(self, math.max(lines, 2), false)
    if at then
      self:move(math.min(at, self.text:last_of_line(at)))
    end
    return true
  end
  if key == "p" or key == "P" then
    self:visual_put()
    return true
  end
  if key == "i" or key == "a" then
    local name = self:next()
    self:select_object(name, key == "i")
    return false
  end
  local target = self:motion(key, self.given)
  if target then
    self:move(math.min(target, math.max(self.text:last_of_line(target), self.text:line_start(target))))
  end
  return false
end

-- Selects an object, or makes the selection longer by one.
function Engine:select_object(name, inner)
  local ahead, back = self.pos > self.anchor, self.pos < self.anchor
  local at = ahead and math.min(self.pos + 1, self.text.count) or math.max(back and self.pos - 1 or self.pos, 0)
  local from, to, linewise = objects.find(self.text, at, name, inner, self.count)
  if not from or to <= from then
    return
  end
  if linewise then
    self:set_mode("visual_line")
  elseif self.mode == "visual_line" then
    self:set_mode("visual")
  end
  if back then
    self:move(from)
    return
  end
  if not ahead then
    self.anchor = from
  end
  self:move(linewise and math.max(from, to - 1) or to - 1)
end

-- One command, from its first key to its end.
function Engine:command()
  self.keys, self.pending, self.register, self.queue = {}, "", nil, {}
  local count, key = self:counted()
  while key == '"' do
    self.register = self:next()
    local more
    more, key = self:counted()
    count = more and more * (count or 1) or count
  end
  self.given, self.count = count, count or 1
  if key == "u" and self.mode == "normal" then
    commands.undo(self)
    return
  elseif key == "ctrl+r" then
    commands.redo(self)
    return
  elseif key == "escape" and self.mode == "normal" then
    return
  end
  if key ~= "j" and key ~= "k" and key ~= "up" and key ~= "down" then
    if not (self.mode:find("^visual") and (key == "d" or key == "x" or key == "y" or key == "c")) then
      self.column = self.column == math.huge and self.mode:find("^visual") and self.column or nil
    end
  end
  self.keys = { key }
  self:begin(self.pos)
  if key == "." and self.mode == "normal" then
    self:again()
    self:finish()
    return
  end
  self:change(key)
end

function Engine:change(key)
  local visual = self.mode:find("^visual") ~= nil
  local extent = visual and self:extent() or nil
  local given, register = self.given, self.register
  self.insert_times, self.insert_opens = 1, false
  local changed
  if visual then
    changed = self:visual_command(key)
    if self.mode:find("^visual") then
      self:show_selection()
    end
  else
    changed = self:act(key)
  end
  local command = { keys = self.keys, count = given, register = register, extent = extent }
  if self.mode == "insert" then
    command.times, command.opens = self.insert_times, self.insert_opens
    self.last_insert = command
    return
  end
  if changed then
    self.last = command
  end
  self:finish()
end

return Engine
