-- A turn of the blast's own job begins. At the first, the chunks that came with the order are to be done; in another
-- attempt also those again in which somebody was put off too often.
-- ARGV: blast, seconds kept, retries (attempts that failed), then chunks -> 1, or 0: paused
even_if_full()
local blast, kept, retries = ARGV[1], ARGV[2], tonumber(ARGV[3])
local about, chunks = about_key(blast), chunks_key(blast)
if redis.call('HSETNX', about, 'began', now()) == 1 then
  for i = 4, #ARGV do redis.call('ZADD', chunks, 0, ARGV[i]) end
end
local before = tonumber(redis.call('HGET', about, 'retries') or retries)
redis.call('HSET', about, 'retries', retries)
if retries > before then
  for _, chunk in ipairs(redis.call('ZRANGEBYSCORE', chunks, '+inf', '+inf')) do
    redis.call('HDEL', about, 'tries:' .. chunk)
    redis.call('ZADD', chunks, 0, chunk)
  end
end
keep(blast, kept)
return is_paused(blast) and 0 or 1
