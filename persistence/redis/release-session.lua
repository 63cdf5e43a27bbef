-- Removes a player's session, if it is the recorded one.
-- KEYS[1]  strongroom:session:<player>
-- ARGV[1]  its epoch, in decimal
-- Returns  1 it is removed; 0 another one is recorded, or none
local held = redis.call('GET', KEYS[1])
if held and cmsgpack.unpack(held)[1] == tonumber(ARGV[1]) then
  return redis.call('DEL', KEYS[1])
end
return 0
