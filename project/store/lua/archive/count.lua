-- How many ended jobs wait for the archiver, and for how many seconds the first has done so.
local first = redis.call('ZRANGE', UNARCHIVED, 0, 0, 'WITHSCORES')
return { redis.call('ZCARD', UNARCHIVED), first[2] and string.format('%.6f', math.max(now() - first[2], 0)) or '0' }
