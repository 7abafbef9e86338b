-- A job is through with its chunk, for now ('after' seconds), until its blast is run again ('inf'), or for good ('').
-- The blast's own job is woken when nothing is left that others are at. ARGV: blast, holder, chunk, after, tries -> 1 | 0
even_if_full()
local blast, holder, chunk, after, tries = unpack(ARGV)
local about, chunks, at = about_key(blast), chunks_key(blast), tonumber(now())
if redis.call('HGET', about, 'held:' .. holder) ~= chunk then return 0 end
redis.call('HDEL', about, 'held:' .. holder)
if after == '' then
  redis.call('ZREM', chunks, chunk)
  redis.call('HDEL', about, 'tries:' .. chunk)
else
  redis.call('ZADD', chunks, after == 'inf' and 'inf' or string.format('%.6f', at + tonumber(after)), chunk)
  redis.call('HSET', about, 'tries:' .. chunk, tries)
end
local first = redis.call('ZRANGE', chunks, 0, 0, 'WITHSCORES')
local waits = holder ~= blast and redis.call('ZSCORE', SCHEDULED, blast)
if waits and not is_paused(blast) and (not first[1] or tonumber(first[2]) == math.huge) then
  redis.call('ZADD', SCHEDULED, 'XX', math.min(tonumber(waits), at), blast)
end
return 1
