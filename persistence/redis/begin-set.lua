-- Begins to fill a set, unless somebody is at it. KEYS: what is known of the set, who fills it, the set, the versions
-- of its scores. ARGV: the filler, for how many milliseconds it is believed, seconds to live, whether what it holds is forgotten.
if not redis.call('SET', KEYS[2], ARGV[1], 'NX', 'PX', ARGV[2]) then return 0 end
if ARGV[4] == 'fresh' then redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[4]) end
redis.call('HDEL', KEYS[1], 'complete')
redis.call('HSET', KEYS[1], 'filling', ARGV[1])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return 1
