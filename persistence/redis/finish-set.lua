-- Says that a set has all scores, if nothing of it was lost since it was begun. KEYS: what is known of the set, who fills it. ARGV: the filler, the server's run.
local mine = redis.call('HGET', KEYS[1], 'filling') == ARGV[1]
if redis.call('GET', KEYS[2]) == ARGV[1] then redis.call('DEL', KEYS[2]) end
if not mine then return 0 end
redis.call('HDEL', KEYS[1], 'filling')
redis.call('HSET', KEYS[1], 'complete', ARGV[2])
return 1
