-- What the interpreter needs in Lua itself, because only Lua code can yield across it:
-- errors as plain strings in `pcall`, coroutines of an author's own that may wait, `getinfo`.
local host = ...

local type, select, error, tostring = type, select, error, tostring
local raw_pcall, raw_xpcall = pcall, xpcall
local raw_resume, raw_yield, raw_create = coroutine.resume, coroutine.yield, coroutine.create
local is_yieldable = coroutine.isyieldable
local pack, unpack = table.pack, table.unpack
local info = debug.info
local clean, is_fatal, pending, can_wait = host.clean, host.is_fatal, host.pending, host.can_wait

-- A host error becomes its text; one that must not be caught goes on.
local function settle(ok, ...)
  if ok then return true, ... end
  local err = ...
  if type(err) == "userdata" then
    if is_fatal(err) then error(err, 0) end
    return false, clean(err)
  end
  return false, ...
end

function pcall(f, ...)
  return settle(raw_pcall(f, ...))
end

function xpcall(f, handler, ...)
  return settle(raw_xpcall(f, function(err)
    if type(err) == "userdata" then
      if is_fatal(err) then return err end
      err = clean(err)
    end
    return handler(err)
  end, ...))
end

-- A table that is raised is remembered, so that it can be told in words if nobody catches it.
function _G.error(value, level)
  if type(value) == "table" then host.thrown = value end
  error(value, type(level) == "number" and (level > 0 and level + 1 or level) or 2)
end

-- A coroutine of the author's own that waits makes the one that resumed it wait too.
local function pump(co, ok, ...)
  if not ok or (...) ~= pending then return settle(ok, ...) end
  local results
  repeat
    raw_yield(pending)
    results = pack(raw_resume(co))
  until not (results[1] and results[2] == pending)
  return settle(unpack(results, 1, results.n))
end

local function answers(ok, ...)
  if ok then return ... end
  error((...), 0)
end

function coroutine.resume(co, ...)
  return pump(co, raw_resume(co, ...))
end

function coroutine.wrap(f)
  local co = raw_create(f)
  return function(...)
    return answers(pump(co, raw_resume(co, ...)))
  end
end

-- Fills a table when something is first looked for that is not in it.
function host.lazy(into, fill)
  local function open()
    setmetatable(into, nil)
    fill(into)
  end
  local function walk()
    open()
    return next, into
  end
  return setmetatable(into, {
    __index = function(_, name)
      open()
      return into[name]
    end,
    __newindex = function(_, name, value)
      open()
      into[name] = value
    end,
    __iter = walk,
    __pairs = walk,
  })
end

-- `f`, which `make` makes when it is first called, waits; anywhere it cannot, the caller is told what to do instead. A wrong argument is told
-- first: it is wrong everywhere.
function host.waiting(name, check, make)
  local f
  local function start(...)
    if not can_wait() or not is_yieldable() then
      error(("'%s' waits, and this place cannot; start it with purlin.spawn(function() ... end)"):format(name), 3)
    end
    f = f or make()
    return f(...)
  end
  return function(...)
    return start(check(...))
  end
end

-- `waiting` where it can wait, `bounded` (until the deadline) elsewhere.
function host.either(waiting, bounded)
  return function(...)
    if can_wait() and is_yieldable() then return waiting(...) end
    return bounded(...)
  end
end

function debug.getinfo(at, what)
  local thread
  if type(at) == "thread" then
    thread, at = at, what
    what = nil
  end
  if type(at) == "number" and not thread then at = at + 1 end
  local ok, source, line, name, params, vararg, func
  if thread then
    ok, source, line, name, params, vararg, func = raw_pcall(info, thread, at, "slnaf")
  else
    if type(at) == "number" then at = at + 1 end
    ok, source, line, name, params, vararg, func = raw_pcall(info, at, "slnaf")
  end
  if not ok then error(("bad argument #1 to 'getinfo' (function or level expected, got %s)"):format(type(at)), 2) end
  if not source then return nil end
  local is_host = source == "[C]"
  return {
    source = is_host and "=[C]" or "@" .. source,
    short_src = source,
    what = is_host and "C" or (name == "" or not name) and "main" or "Lua",
    currentline = line,
    linedefined = line,
    lastlinedefined = line,
    name = name ~= "" and name or nil,
    namewhat = "",
    nparams = params,
    isvararg = vararg,
    nups = 0,
    func = func,
  }
end

function debug.sethook()
  error("debug.sethook is not there; purlin.timer.interval and the hooks cover what it is used for", 2)
end

function debug.gethook() end

-- Three functions of the interpreter work through their arguments without looking at the deadline.
-- Where that could take long, each is given a way that does.
local raw_find, raw_split, raw_sort = string.find, string.split, table.sort
local bounded_find = host.bounded_find
local LONG, MANY = 1e9, 20000

function string.find(s, pattern, init, plain)
  if type(s) == "string" and type(pattern) == "string" and #s * #pattern > LONG then
    if plain or not raw_find(pattern, "[%^%$%*%+%?%.%(%[%%%-]") then
      return bounded_find(s, pattern, init)
    end
  end
  return raw_find(s, pattern, init, plain)
end

function string.split(s, separator)
  if type(s) == "string" and type(separator) == "string" and #s * #separator > LONG then
    local parts, from = {}, 1
    while true do
      local a, b = bounded_find(s, separator, from)
      if not a then break end
      parts[#parts + 1] = s:sub(from, a - 1)
      from = b + 1
    end
    parts[#parts + 1] = s:sub(from)
    return parts
  end
  return raw_split(s, separator)
end

local function less(a, b) return a < b end

function table.sort(list, before)
  if before == nil and type(list) == "table" and #list > MANY then before = less end
  return raw_sort(list, before)
end

function table.foreach(t, f)
  for k, v in pairs(t) do
    local found = f(k, v)
    if found ~= nil then return found end
  end
end

function math.mod(a, b)
  return math.fmod(a, b)
end
