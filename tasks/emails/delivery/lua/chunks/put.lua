-- Put a chunk back: free after seconds, on the next attempt of the mailing's own job ('inf'), or done (''). When no chunk
-- is left but those that wait for the next attempt, the mailing's own job becomes due.
-- ARGV: mailing, holder (job id), chunk, after, tries
-- Returns: 1, or 0 when the holder does not hold the chunk
even_if_full()
local mailing, holder, chunk, after, tries = unpack(ARGV)
local about, chunks, at = about_key(mailing), chunks_key(mailing), tonumber(now())
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
local due = holder ~= mailing and redis.call('ZSCORE', SCHEDULED, mailing)
if due and not is_paused(mailing) and (not first[1] or tonumber(first[2]) == math.huge) then
  redis.call('ZADD', SCHEDULED, 'XX', math.min(tonumber(due), at), mailing)
end
return 1
