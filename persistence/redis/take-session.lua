-- Records a player's session, unless a newer one is recorded, and names the one that it displaces.
-- KEYS[1]  strongroom:session:<player>
-- ARGV[1]  the session: MessagePack of [epoch, process, room, takenAt, client?]
-- ARGV[2]  how long it is kept, in ms
-- Returns  {1}           it is recorded, and displaces nobody: nothing was recorded, or this very session
--          {1, session}  it is recorded, and displaces that one
--          {0, session}  that newer one stays
local held = redis.call('GET', KEYS[1])
local order = 0
if held then
  local before, epoch = cmsgpack.unpack(held)[1], cmsgpack.unpack(ARGV[1])[1]
  if before > epoch then
    return {0, held}
  end
  order = epoch - before
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if order > 0 then
  return {1, held}
end
return {1}
