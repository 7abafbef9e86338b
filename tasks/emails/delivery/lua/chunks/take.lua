-- A job wants a chunk to work on, or to keep the one it has. ARGV: blast, holder (the job's id), seconds it is held
-- -> { 'chunk', name, tries so far, rows if it was uploaded, how many others are free }
--  | { 'wait', seconds } | { 'done' } | { 'left' } (only people put off too often are left) | { 'paused' } | { 'over' }
even_if_full()
local blast, holder, seconds = ARGV[1], ARGV[2], tonumber(ARGV[3])
local about, chunks, at = about_key(blast), chunks_key(blast), tonumber(now())
if is_over(blast) then return { 'over' } end
if is_paused(blast) then return { 'paused' } end
local chunk = redis.call('HGET', about, 'held:' .. holder)
if not (chunk and redis.call('ZSCORE', chunks, chunk)) then
  local first = redis.call('ZRANGE', chunks, 0, 0, 'WITHSCORES')
  if not first[1] then return { 'done' } end
  local due = tonumber(first[2])
  if due == math.huge then return { 'left' } end
  if due > at then return { 'wait', string.format('%.3f', due - at) } end
  chunk = first[1]
  redis.call('HSET', about, 'held:' .. holder, chunk)
end
redis.call('ZADD', chunks, string.format('%.6f', at + seconds), chunk)
local free = redis.call('ZCOUNT', chunks, '-inf', at)
local tries = redis.call('HGET', about, 'tries:' .. chunk) or '0'
return { 'chunk', chunk, tries, redis.call('HGET', rows_key(blast), chunk) or '', tostring(free) }
