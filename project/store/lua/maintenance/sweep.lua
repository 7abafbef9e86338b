-- Deletes final records past their retention. Scans some records of one index: those created before the cutoff, from an
-- offset, because a job that ran long may be first in the index and still young. With a history, a record stays until it is
-- archived; one that ended before there was a history waits for that from here on. The nodes of a workflow stay until it has
-- ended: others may want their results.
-- ARGV: kind_queue, status, retention in seconds, offset, limit of records scanned
-- -> how many were deleted, the next offset (0 = the end was reached)
local kind_queue, status, retention, offset, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local index, cutoff, deleted = index_key(kind_queue, status), tonumber(now()) - retention, 0
local has_history = redis.call('EXISTS', ARCHIVE_ON) == 1
local ids = redis.call('ZRANGEBYSCORE', index, '-inf', string.format('%.6f', cutoff), 'LIMIT', offset, limit)

local function is_in_open_workflow(node)
  return node and redis.call('HGET', workflow_key(node:match('^%S+')), 'status') == 'running'
end

for _, id in ipairs(ids) do
  local finished_at, unique, tags, tenant, archived, node, canvas = unpack(redis.call('HMGET', job_key(id), 'finished_at', 'unique', 'tags',
    'tenant', 'archived', 'workflow', 'canvas_of'))
  if tonumber(finished_at or 0) > cutoff or is_in_open_workflow(node) then
    -- too young
  elseif has_history and archived ~= finished_at then
    redis.call('ZADD', UNARCHIVED, 'NX', finished_at, id)
  else
    update_indexes('ZREM', { kind_queue = kind_queue, tags = tags, tenant = tenant }, status, id)
    leave_canvas(id, canvas)
    redis.call('DEL', job_key(id), log_key(id), log_files_key(id))
    if unique and redis.call('GET', unique) == id then redis.call('DEL', unique) end
    deleted = deleted + 1
  end
end
if #ids < limit then return { deleted, 0 } end
return { deleted, offset + limit - deleted }
