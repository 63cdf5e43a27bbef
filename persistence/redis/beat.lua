-- Renews a process's lease on being alive, and says who else has one: at once, so that nobody is missed because Redis was
-- emptied between two questions. By Redis's own clock.
-- KEYS[1]  the members: a hash of lease to "<end of the lease, ms> <process>"
-- ARGV[1]  the lease of who asks
-- ARGV[2]  the process of who asks
-- ARGV[3]  for how long it is renewed, ms
-- returns  1 when the lease was there before, else 0; then of every member its lease, its process, and what is left of it in ms
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local known = redis.call('HEXISTS', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s', now + tonumber(ARGV[3]), ARGV[2]))
local members = redis.call('HGETALL', KEYS[1])
local said = { known }
for at = 1, #members, 2 do
  local till, process = string.match(members[at + 1], '^(%d+) (.*)$')
  said[#said + 1] = members[at]
  said[#said + 1] = process
  said[#said + 1] = tonumber(till) - now
end
return said
