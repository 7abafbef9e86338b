-- ARGV: worker, serial -> the text of a message that the worker holds, '' when it does not hold it
local entry = redis.call('HGET', unacked_key(ARGV[1]), ARGV[2])
return entry and entry:match('^.-\n(.*)$') or ''
