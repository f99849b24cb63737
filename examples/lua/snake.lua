-- Snake.
--
--   purlin --bare -e examples/lua/snake.lua
--
-- Arrows, h j k l or w a s d steer; space pauses, n begins anew, q leaves.
-- PURLIN_OPT_SNAKE_SPEED=0 moves the snake with every key and not by itself; PURLIN_OPT_SNAKE_SEED repeats a game.

local purlin = require("purlin")
local ui, win = purlin.ui, purlin.win

purlin.option.define{ name = "speed", type = "integer", default = 8, desc = "Steps a second; 0 steps with each key." }
purlin.option.define{ name = "seed", type = "integer", default = os.time(), desc = "The same seed, the same food." }

local SPEED = purlin.option.get("speed")
local FASTEST = 20
local BOARD = { width = 30, height = 18 } -- cells; each is two columns wide, which looks square
local TURNS = {
  up = { 0, -1 }, down = { 0, 1 }, left = { -1, 0 }, right = { 1, 0 },
}
local KEYS = { k = "up", w = "up", j = "down", s = "down", h = "left", a = "left", l = "right", d = "right" }

math.randomseed(purlin.option.get("seed"))

local game, best, clock = nil, 0, nil

local function is_snake(x, y)
  for _, cell in ipairs(game.snake) do
    if cell[1] == x and cell[2] == y then return true end
  end
  return false
end

-- Food lies where the snake is not. A board that is full of snake has been won.
local function place_food()
  local free = {}
  for y = 0, game.height - 1 do
    for x = 0, game.width - 1 do
      if not is_snake(x, y) then table.insert(free, { x, y }) end
    end
  end
  game.food = free[math.random(#free)]
  if not game.food then game.state = "won" end
end

local function fitting()
  local view = win.get("board")
  local inside = { width = view.width // 2 - 1, height = view.height - 2 }
  return math.min(BOARD.width, inside.width), math.min(BOARD.height, inside.height)
end

-- A game waits where there is no room for its board.
local function is_cramped()
  local width, height = fitting()
  return game.width > width or game.height > height
end

local function begin()
  local width, height = fitting()
  if width < 6 or height < 4 then
    game = { width = 0, height = 0, snake = {}, score = 0, state = "small" }
    return
  end
  local x, y = width // 2, height // 2
  game = {
    width = width, height = height, score = 0, state = "ready",
    snake = { { x, y }, { x - 1, y }, { x - 2, y } }, -- the head first
    going = "right", turns = {}, -- turns that were typed and not taken yet
  }
  place_food()
end

local function over(state)
  game.state = state
  best = math.max(best, game.score)
end

local function step()
  game.going = table.remove(game.turns, 1) or game.going
  local turn = TURNS[game.going]
  local x, y = game.snake[1][1] + turn[1], game.snake[1][2] + turn[2]
  local eats = game.food and game.food[1] == x and game.food[2] == y
  local tail = nil
  if not eats then tail = table.remove(game.snake) end -- the tail makes room before the head arrives
  if x < 0 or y < 0 or x >= game.width or y >= game.height or is_snake(x, y) then
    table.insert(game.snake, tail) -- it died where it was
    over("over")
  else
    table.insert(game.snake, 1, { x, y })
    if eats then
      game.score += 1
      place_food()
    end
  end
  ui.redraw()
end

-- The clock runs only while the snake does; it goes faster with every fifth meal.
local function wind()
  if clock then clock:stop() end
  clock = nil
  if SPEED > 0 and game.state == "running" then
    local pace = math.min(FASTEST, SPEED + game.score // 5)
    clock = purlin.timer.interval(1000 // pace, function()
      local score = game.score
      step()
      if game.state ~= "running" or game.score ~= score then wind() end
    end)
  end
end

local function go(state)
  if state == "running" and is_cramped() then return end
  game.state = state
  wind()
  ui.redraw()
end

local function steer(way)
  if game.state == "ready" or game.state == "paused" then go("running") end
  if game.state ~= "running" then return end
  local before = TURNS[game.turns[#game.turns] or game.going]
  local turn = TURNS[way]
  local is_back = before[1] + turn[1] == 0 and before[2] + turn[2] == 0
  if not is_back and #game.turns < 3 then table.insert(game.turns, way) end
  if SPEED == 0 then step() end
end

local SAYS = {
  ready = { "S N A K E", "an arrow begins" },
  paused = { "paused", "space goes on" },
  over = { "game over", "n begins anew" },
  won = { "you have won", "n begins anew" },
  small = { "too small", "enlarge it" },
}

local function draw_snake(left, top)
  for i, cell in ipairs(game.snake) do
    local fg = game.state == "over" and "error" or i == 1 and "accent" or "success"
    ui.draw_spans("board", top + 1 + cell[2], left + 1 + cell[1] * 2, { { text = i == 1 and "██" or "▓▓", fg = fg } })
  end
  if game.food then
    ui.draw_spans("board", top + 1 + game.food[2], left + 1 + game.food[1] * 2, { { text = "● ", fg = "warning" } })
  end
end

local function draw_words(view, words)
  local row = view.height // 2 - 1
  for i, text in ipairs(words) do
    local shown = ui.truncate("  " .. text .. "  ", view.width)
    local col = (view.width - ui.measure(shown)) // 2
    ui.draw_spans("board", row + i, col, { { text = shown, bg = "selectedBg", bold = i == 1, dim = i > 1 } })
  end
end

win.render("board", function(view)
  if not game then begin() end
  if is_cramped() then return draw_words(view, SAYS.small) end
  local width, height = game.width * 2, game.height
  local left, top = (view.width - width - 2) // 2, math.max(0, (view.height - height - 2) // 2)
  if game.state ~= "small" then
    local edge = ("─"):rep(width)
    ui.draw_spans("board", top, left, { { text = "╭" .. edge .. "╮", fg = "border" } })
    for row = 1, height do
      ui.draw_spans("board", top + row, left, { { text = "│", fg = "border" } })
      ui.draw_spans("board", top + row, left + width + 1, { { text = "│", fg = "border" } })
    end
    ui.draw_spans("board", top + height + 1, left, { { text = "╰" .. edge .. "╯", fg = "border" } })
    draw_snake(left, top)
  end
  if SAYS[game.state] then draw_words(view, SAYS[game.state]) end
end)

win.render("score", function(view)
  local score = ("score %d"):format(game and game.score or 0)
  local rest = ("   best %d   "):format(math.max(best, game and game.score or 0))
  local keys = purlin.ui.truncate("q leaves · arrows · space pauses · n anew", view.width - #score - #rest - 1)
  return { { { text = " " .. score, bold = true }, { text = rest, fg = "dim" }, { text = keys, fg = "muted" } } }
end)

win.create("board")
win.create("score", { focusable = false })
purlin.layout.tree{ dir = "col", { win = "score", size = 1 }, { win = "board", grow = 1 } }
win.focus("board")

for way in pairs(TURNS) do
  purlin.keymap.set({ window = "board" }, way, function() steer(way) end, { desc = "turn " .. way })
end
for key, way in pairs(KEYS) do
  purlin.keymap.set({ window = "board" }, key, function() steer(way) end, { desc = "turn " .. way })
end
purlin.keymap.set({ window = "board" }, "space", function()
  if game.state == "running" then go("paused") elseif game.state == "paused" then go("running") end
end, { desc = "pause" })
purlin.keymap.set({ window = "board" }, "n", function()
  begin()
  go(game.state)
end, { desc = "begin anew" })
purlin.keymap.set({ window = "board" }, "q", "quit", { desc = "leave" })

-- Nobody looks: it waits.
purlin.on("focus_change", function(ev)
  if ev.to == "" and game and game.state == "running" then go("paused") end
end)

-- A game that is under way waits; a board that never fitted, or on which nothing has happened, begins anew.
purlin.on("resize", function()
  purlin.schedule(function()
    if not game then return end
    local width, height = fitting()
    local fits = game.width == width and game.height == height
    if game.state == "small" or game.state == "ready" and not fits then
      begin()
      go(game.state)
    elseif game.state == "running" then
      go("paused")
    else
      ui.redraw()
    end
  end)
end)
