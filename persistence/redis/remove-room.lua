-- Takes a room out of everything that it is found by. It also writes the two keys that its place names.
--
-- KEYS[1] hash of all rooms: room id -> listing
-- KEYS[2] hash of where they are: room id -> JSON of [bucket, set of the process]
-- ARGV[1] room id
--
-- Returns 1, or 0 if it was not listed.

local place = redis.call('HGET', KEYS[2], ARGV[1])
if not place then return 0 end

local former = cjson.decode(place)
redis.call('HDEL', former[1], ARGV[1])
redis.call('SREM', former[2], ARGV[1])
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], ARGV[1])
return 1
