-- Takes something until it is ready again, unless somebody has it.
-- KEYS[1]  the thing
-- ARGV[1]  when it is ready, Unix milliseconds
-- ARGV[2]  from now until then, milliseconds
-- returns  nil when it was free and is taken now; else when it is ready, as text
local held = redis.call('GET', KEYS[1])
if held then return held end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return nil
