-- Take a chunk, or prolong the hold of the one that this job has.
-- ARGV: mailing, holder (job id), seconds to hold it
-- Returns: { 'chunk', name, tries so far, rows (JSON, '' unless uploaded), number of other free chunks }
--        | { 'wait', seconds } | { 'done' } | { 'left' } (only recipients that were put off too often) | { 'paused' }
--        | { 'over' }
even_if_full()
local mailing, holder, seconds = ARGV[1], ARGV[2], tonumber(ARGV[3])
local about, chunks, at = about_key(mailing), chunks_key(mailing), tonumber(now())
if is_over(mailing) then return { 'over' } end
if is_paused(mailing) then return { 'paused' } end
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
return { 'chunk', chunk, tries, redis.call('HGET', rows_key(mailing), chunk) or '', tostring(free) }
