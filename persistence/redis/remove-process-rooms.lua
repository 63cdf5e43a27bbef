-- Takes some rooms of one process out of everything that they are found by. It also writes the buckets that their places
-- name. Called again until it returns less than it may take: Redis does nothing else meanwhile, so each call is short.
--
-- KEYS[1] hash of all rooms: room id -> listing
-- KEYS[2] hash of where they are: room id -> JSON of [bucket, set of the process]
-- KEYS[3] set of the room ids of the process
-- ARGV[1] how many rooms it takes at most
--
-- Returns how many it took.

local ids = redis.call('SPOP', KEYS[3], ARGV[1])
for _, id in ipairs(ids) do
  local place = redis.call('HGET', KEYS[2], id)
  if place then redis.call('HDEL', cjson.decode(place)[1], id) end
  redis.call('HDEL', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
end
return #ids
