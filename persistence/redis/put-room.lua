-- Lists a room, or lists it anew, in everything that it is found by.
-- It also writes the two keys that its former place names, so it needs one Redis and not a cluster of them.
--
-- KEYS[1] hash of all rooms: room id -> listing
-- KEYS[2] hash of where they are: room id -> JSON of [bucket, set of the process]
-- KEYS[3] bucket: hash of the rooms that are looked for together, room id -> listing
-- KEYS[4] set of the room ids of its process
-- ARGV[1] room id
-- ARGV[2] listing, as JSON
-- ARGV[3] place, as JSON of [KEYS[3], KEYS[4]]
-- ARGV[4] 'new' only if the id is free, 'known' only if it is listed, 'any' in either case
--
-- Returns 1 if it is listed so now, 0 if ARGV[4] forbids it and nothing changed.

local place = redis.call('HGET', KEYS[2], ARGV[1])
if (ARGV[4] == 'new' and place) or (ARGV[4] == 'known' and not place) then return 0 end

if place and place ~= ARGV[3] then
  local former = cjson.decode(place)
  redis.call('HDEL', former[1], ARGV[1])
  redis.call('SREM', former[2], ARGV[1])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
redis.call('HSET', KEYS[3], ARGV[1], ARGV[2])
redis.call('SADD', KEYS[4], ARGV[1])
return 1
