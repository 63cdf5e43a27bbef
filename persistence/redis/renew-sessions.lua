-- Keeps sessions for so much longer and puts back those that were lost, unless a newer one of the same player is recorded.
-- KEYS[1..n]    strongroom:session:<player>, at most a few hundred
-- ARGV[1]       how long they are kept, in ms
-- ARGV[2..n+1]  the sessions: MessagePack of [epoch, process, room, takenAt]
-- Returns       the places, from 0, of those that a newer one displaced
local displaced = {}
for place, held in ipairs(redis.call('MGET', unpack(KEYS))) do
  local session = ARGV[place + 1]
  if held and cmsgpack.unpack(held)[1] > cmsgpack.unpack(session)[1] then
    displaced[#displaced + 1] = place - 1
  else
    redis.call('SET', KEYS[place], session, 'PX', ARGV[1])
  end
end
return displaced
