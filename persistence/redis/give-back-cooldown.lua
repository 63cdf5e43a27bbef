-- Gives back what was taken in vain, if it was not taken again by somebody else.
-- KEYS[1]  the thing
-- ARGV[1]  when it would have been ready, as it was taken
-- returns  1 when it is free now, 0 when it was somebody else's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('DEL', KEYS[1])
return 1
