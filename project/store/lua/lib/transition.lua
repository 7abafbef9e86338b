-- Appends to the stream of events. The last write of a change: it only grows.
local function append_event(job, status, attempts, ...)
  if job.tenant then
    redis.call('XADD', EVENTS, 'MAXLEN', '~', MAX_EVENTS, '*', 'id', job.id, 'kind', job.kind, 'queue', job.queue, 'status', status,
      'attempts', attempts, 'tenant', job.tenant, ...)
  else
    redis.call('XADD', EVENTS, 'MAXLEN', '~', MAX_EVENTS, '*', 'id', job.id, 'kind', job.kind, 'queue', job.queue, 'status', status,
      'attempts', attempts, ...)
  end
end
local function last_event_id()
  local last = redis.call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end

-- Changes the status of a job with everything that depends on it. The caller gives the other fields that change, and sets
-- job.attempts before.
local function transition(job, status, at, ...)
  update_indexes('ZREM', job, job.status, job.id)
  local breaker = nil
  if job.status == 'running' and not job.outcome and redis.call('HEXISTS', BREAKERS, job.kind) == 1 then
    breaker = note_outcome(job, status, at)
  end
  if job.gates then leave_gates(job) end
  count_transition(job, status, at)
  if job.message_list then drop_message(job) end
  redis.call('HSET', job.key, 'status', status, 'updated_at', at, ...)
  update_indexes('ZADD', job, status, job.created_at, job.id)
  if job.ordered_by then note_waiting(job, status) end
  if FINAL[status] and redis.call('EXISTS', ARCHIVE_ON) == 1 then redis.call('ZADD', UNARCHIVED, at, job.id) end
  job.status = status
  append_event(job, status, job.attempts, unpack(breaker and { 'breaker', breaker } or {}))
end

-- Moves a job to the indexes of another kind or queue, because its next message is of that kind or goes there.
local function move_to(job, kind, queue)
  if job.kind == kind and job.queue == queue then return end
  update_indexes('ZREM', job, job.status, job.id)
  job.kind, job.queue, job.kind_queue = kind, queue, kind_queue_of(kind, queue)
  redis.call('HSET', job.key, 'kind', kind, 'queue', queue)
  update_indexes('ZADD', job, job.status, job.created_at, job.id)
  redis.call('SADD', KIND_QUEUES, job.kind_queue)
end
