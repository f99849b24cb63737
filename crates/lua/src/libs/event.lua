-- Event objects: a field is fetched when it is read, and kept until the handler returns.
local host = ...
local rawset, rawget, setmetatable, getmetatable = rawset, rawget, setmetatable, getmetatable
local type, error, next = type, error, next

-- `pairs` asks a table what it walks through, as later versions of Lua do: an event is empty itself.
function pairs(t)
  if type(t) ~= "table" then
    error(("invalid argument #1 to 'pairs' (table expected, got %s)"):format(type(t)), 2)
  end
  local meta = getmetatable(t)
  local walk = type(meta) == "table" and rawget(meta, "__pairs")
  if walk then return walk(t) end
  return next, t
end

-- Answers an event object and the table of what was read of it. The object itself stays empty, so that every assignment
-- is seen; what was read is found without calling anything. `fetch` answers a field, `fixed` holds the methods, `store`
-- takes an assignment and tells whether it counts, `names` lists the fields. `consumed` may change while a handler runs.
function host.event(fetch, fixed, store, names)
  local kept
  kept = setmetatable({}, {
    __index = function(_, name)
      local value = fixed[name]
      if value == nil then
        value = fetch(name)
        if value == nil and name == "data" then value = kept.payload end
      end
      if value ~= nil and name ~= "consumed" then rawset(kept, name, value) end
      return value
    end,
  })
  local function walk()
    local fields = {}
    for _, name in next, names() do fields[name] = kept[name] end
    return next, fields
  end
  local event = setmetatable({}, {
    __index = kept,
    __newindex = function(_, name, value)
      store(name, value)
      rawset(kept, name, value)
    end,
    __iter = walk,
    __pairs = walk,
  })
  return event, kept
end

-- A table whose fields are fetched at every read.
function host.live(fetch, store)
  return setmetatable({}, {
    __index = function(_, name) return fetch(name) end,
    __newindex = store and function(_, name, value) store(name, value) end or nil,
    __metatable = false,
  })
end

-- Views of named things: a field is fetched when it is read first, and kept.
function host.view_meta(fetch)
  return {
    __index = function(view, field)
      local value = fetch(rawget(view, "name"), field)
      if value ~= nil then rawset(view, field, value) end
      return value
    end,
  }
end
