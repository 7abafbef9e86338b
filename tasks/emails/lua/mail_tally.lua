-- ARGV: blast -> how many recipients have a line, when its first turn began ('' = none), then states and their counts
local lines = redis.call('HLEN', mail_key(ARGV[1]))
local began = redis.call('HGET', about_key(ARGV[1]), 'began') or ''
return { lines, began, now(), unpack(redis.call('HGETALL', counts_key(ARGV[1]))) }
