-- Answers all that is asked of some sets in one turn.
-- KEYS: of each set the set itself and what is known of it. ARGV: of each set, as counts with what is counted behind them: keys (how
-- many are below each?), players (the key of each?), rows of the top, places as key, player and radius (which rows are around each?),
-- and 1 where its size is asked for. Or one number below zero: so many rows of the top, and nothing else, as most ask.
-- Returns of each set: its mark, the rows of the top, the counts, the keys, of each place what `around` says, the size. Of a top alone
-- the first two.
local at = 1
local function take(count)
  local from = at
  at = at + count
  return from
end

-- Players and keys in turn.
local function rowsOf(set, from, to)
  return redis.call('ZRANGE', set, from, to, 'WITHSCORES')
end

-- As one text: each text of its own costs whoever reads the answer more than it says.
local function asText(rows)
  return table.concat(rows, ' ')
end

-- Where a score of a player stands, or would, and the rows around that place.
local function around(set, key, player, radius)
  local low = redis.call('ZCOUNT', set, '-inf', '(' .. key)
  local from = math.max(0, low - radius)
  local rows = rowsOf(set, from, low + radius)
  local there = 2 * (low - from) + 1
  if rows[there] and rows[there] < player and tonumber(rows[there + 1]) == tonumber(key) then
    -- Others have the same score: among them by their ids.
    local high = low + redis.call('ZCOUNT', set, key, key)
    while low < high do
      local middle = math.floor((low + high) / 2)
      if redis.call('ZRANGE', set, middle, middle)[1] < player then low = middle + 1 else high = middle end
    end
    from = math.max(0, low - radius)
    rows = rowsOf(set, from, low + radius)
  end
  return {low, from, asText(rows)}
end

local answers = {}
for place = 1, #KEYS / 2 do
  local set = KEYS[2 * place - 1]
  local mark = redis.call('HGET', KEYS[2 * place], 'complete') or ''
  -- What is not asked for is nothing, which costs least to tell.
  local below, keys, rows, windows, size = false, false, false, false, false
  local bounds = tonumber(ARGV[take(1)])
  if bounds < 0 then
    answers[place] = {mark, asText(rowsOf(set, 0, -bounds - 1))}
  else
    if bounds > 0 then
      below = {}
      for count = 1, bounds do below[count] = redis.call('ZCOUNT', set, '-inf', '(' .. ARGV[take(1)]) end
    end
    local players = tonumber(ARGV[take(1)])
    if players > 0 then
      local from = take(players)
      keys = redis.call('ZMSCORE', set, unpack(ARGV, from, from + players - 1))
    end
    local limit = tonumber(ARGV[take(1)])
    if limit > 0 then rows = asText(rowsOf(set, 0, limit - 1)) end
    local places = tonumber(ARGV[take(1)])
    if places > 0 then
      windows = {}
      for count = 1, places do
        local from = take(3)
        windows[count] = around(set, ARGV[from], ARGV[from + 1], tonumber(ARGV[from + 2]))
      end
    end
    if ARGV[take(1)] == '1' then size = redis.call('ZCARD', set) end
    answers[place] = {mark, rows, below, keys, windows, size}
  end
end
return answers
