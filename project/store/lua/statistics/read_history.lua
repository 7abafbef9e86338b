-- What has been counted up to now, then the notes of before, newest first. ARGV: most notes
local notes = redis.call('LRANGE', HISTORY, 0, ARGV[1] - 1)
table.insert(notes, 1, sums(now()))
return notes
