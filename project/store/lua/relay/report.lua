-- A relay says what it has seen in its outbox; outboxes that no relay has looked at for a day are forgotten.
-- ARGV: outbox, rows that wait, seconds since the oldest of them was ordered ('' = none waits), rows that are put aside
even_if_full()
local FORGOTTEN_AFTER = 86400
local at = tonumber(now())
local oldest = ARGV[3] ~= '' and at - tonumber(ARGV[3]) or nil
local found = redis.call('HGETALL', OUTBOXES)
for i = 1, #found, 2 do
  if cjson.decode(found[i + 1]).seen_at < at - FORGOTTEN_AFTER then redis.call('HDEL', OUTBOXES, found[i]) end
end
local state = { rows = tonumber(ARGV[2]), oldest_at = oldest, refused = tonumber(ARGV[4]), seen_at = at }
redis.call('HSET', OUTBOXES, ARGV[1], cjson.encode(state))
return 1
