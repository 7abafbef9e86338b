-- Final records older than their time are deleted. Looks at some records of one list: those created before the time,
-- starting at an offset, since one that ran long may still be young though it stands at the front.
-- ARGV: shelf, status, seconds kept, offset, most looked at. -> how many were deleted, next offset (0 = the end was reached)
local shelf, status, kept, offset, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local index, cutoff, deleted = index_key(shelf, status), tonumber(now()) - kept, 0
local ids = redis.call('ZRANGEBYSCORE', index, '-inf', string.format('%.6f', cutoff), 'LIMIT', offset, most)
for _, id in ipairs(ids) do
  local label, finished_at, unique = unpack(redis.call('HMGET', job_key(id), 'kind', 'finished_at', 'unique'))
  if tonumber(finished_at or 0) <= cutoff then
    on_lists('ZREM', label or shelf, status, id)
    redis.call('DEL', job_key(id))
    if unique and redis.call('GET', unique) == id then redis.call('DEL', unique) end
    deleted = deleted + 1
  end
end
if #ids < most then return { deleted, 0 } end
return { deleted, offset + most - deleted }
