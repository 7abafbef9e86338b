-- Read the ledger in numbers.
-- ARGV: mailing
-- Returns: recipients with an entry, start of the first slice ('' = none), the time now, SMTP connections opened so far,
--          then each state and its number of recipients
local entries = redis.call('HLEN', ledger_key(ARGV[1]))
local began, connections = unpack(redis.call('HMGET', about_key(ARGV[1]), 'began', 'connections'))
return { entries, began or '', now(), connections or '0', unpack(redis.call('HGETALL', counts_key(ARGV[1]))) }
