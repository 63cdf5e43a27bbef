-- Whether what was begun is still there, and who began it still at it. KEYS: what is known of the set, who fills it. ARGV: the filler, for how many milliseconds it is believed.
if redis.call('HGET', KEYS[1], 'filling') ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return 1
