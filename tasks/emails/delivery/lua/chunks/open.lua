-- Begin a slice of the mailing's own job. The first slice adds the chunks that came with the order. The first slice of
-- another attempt also frees the chunks with recipients that were put off too often.
-- ARGV: mailing, seconds until expiry, retries (failed attempts), template, then the names of the chunks
-- Returns: 1, or 0 when the mailing is paused
even_if_full()
local mailing, keep_seconds, retries = ARGV[1], ARGV[2], tonumber(ARGV[3])
local about, chunks = about_key(mailing), chunks_key(mailing)
if redis.call('HSETNX', about, 'began', now()) == 1 then
  redis.call('HSET', about, 'template', ARGV[4])
  for i = 5, #ARGV do redis.call('ZADD', chunks, 0, ARGV[i]) end
end
local before = tonumber(redis.call('HGET', about, 'retries') or retries)
redis.call('HSET', about, 'retries', retries)
if retries > before then
  for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', chunks, '+inf', '+inf')) do
    redis.call('HDEL', about, 'tries:' .. chunk)
    redis.call('ZADD', chunks, 0, chunk)
  end
end
keep(mailing, keep_seconds)
return is_paused(mailing) and 0 or 1
