-- ARGV: blast -> how many recipients have a line, when its first turn began ('' = none), what time it is, how many
-- connections were opened, then states and their counts
local lines = redis.call('HLEN', mail_key(ARGV[1]))
local began, connections = unpack(redis.call('HMGET', about_key(ARGV[1]), 'began', 'connections'))
return { lines, began or '', now(), connections or '0', unpack(redis.call('HGETALL', counts_key(ARGV[1]))) }
