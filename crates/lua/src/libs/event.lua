-- Event objects: a field is fetched when it is read, and kept until the handler returns.
local host = ...
local rawset, rawget, setmetatable = rawset, rawget, setmetatable

-- `fetch` answers a field; `fixed` holds the methods. `consumed` may change while a handler runs.
function host.event_meta(fetch, fixed)
  return {
    __index = function(event, name)
      local value = fixed[name]
      if value ~= nil then return value end
      value = fetch(name)
      if value == nil and name == "data" then value = event.payload end
      if value ~= nil and name ~= "consumed" then rawset(event, name, value) end
      return value
    end,
  }
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
