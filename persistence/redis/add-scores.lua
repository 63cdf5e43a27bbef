-- Adds scores to sets; none takes the place of a newer one of its player.
-- KEYS: of each set the set, what is known of it, and the versions of its scores (which are there only by VERSION).
-- ARGV: of each set how a newer score is told (LT: its key is lower; VERSION: by its version), how many places are kept, how many begin
-- a trimming, seconds that an unused set is kept (0: as before), how many scores there are, then keys and players, and by VERSION the
-- versions behind them.
-- Returns the mark of each set.
local function add(set, known, versions, at)
  local how, keep, trim_at, ttl, count = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2]), ARGV[at + 3], tonumber(ARGV[at + 4])
  local first, last = at + 5, at + 4 + 2 * count
  local mark = redis.call('HMGET', known, 'complete', 'cutoff')
  local cutoff = mark[2] and tonumber(mark[2])
  local players, newer, is_stale = {}, {}, {}
  local stale = 0

  if how == 'VERSION' then
    for nth = 1, count do
      local player = ARGV[first + 2 * nth - 1]
      players[nth] = player
      newer[2 * nth - 1] = player
      newer[2 * nth] = ARGV[last + nth]
    end
    local held = redis.call('HMGET', versions, unpack(players))
    for nth = 1, count do
      if held[nth] and tonumber(held[nth]) >= tonumber(newer[2 * nth]) then
        is_stale[nth] = true
        stale = stale + 1
      end
    end
  end

  if stale == 0 and not cutoff then
    if how == 'LT' then
      redis.call('ZADD', set, 'LT', unpack(ARGV, first, last))
    else
      redis.call('HSET', versions, unpack(newer))
      redis.call('ZADD', set, unpack(ARGV, first, last))
    end
  else
    local places, beyond, taken = {}, {}, {}
    for nth = 1, count do
      if not is_stale[nth] then
        local key, player = ARGV[first + 2 * nth - 2], ARGV[first + 2 * nth - 1]
        if how == 'VERSION' then
          taken[#taken + 1] = player
          taken[#taken + 1] = newer[2 * nth]
        end
        if cutoff and tonumber(key) > cutoff then
          -- By LT a late score may be the older one: the newer one stays.
          if how == 'VERSION' then beyond[#beyond + 1] = player end
        else
          places[#places + 1] = key
          places[#places + 1] = player
        end
      end
    end
    if #taken > 0 then redis.call('HSET', versions, unpack(taken)) end
    if #beyond > 0 then redis.call('ZREM', set, unpack(beyond)) end
    if #places > 0 then
      if how == 'LT' then redis.call('ZADD', set, 'LT', unpack(places)) else redis.call('ZADD', set, unpack(places)) end
    end
  end

  if redis.call('ZCARD', set) > trim_at then
    local worst = redis.call('ZRANGE', set, keep - 1, keep - 1, 'WITHSCORES')[2]
    redis.call('ZREMRANGEBYSCORE', set, '(' .. worst, '+inf')
    redis.call('HSET', known, 'cutoff', worst)
  end
  if ttl ~= '0' then
    redis.call('EXPIRE', set, ttl)
    redis.call('EXPIRE', known, ttl)
    if how == 'VERSION' then redis.call('EXPIRE', versions, ttl) end
  end
  return mark[1] or '', last + 1 + (how == 'VERSION' and count or 0)
end

local marks, at = {}, 1
for place = 1, #KEYS / 3 do
  marks[place], at = add(KEYS[3 * place - 2], KEYS[3 * place - 1], KEYS[3 * place], at)
end
return marks
