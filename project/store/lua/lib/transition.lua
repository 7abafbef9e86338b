-- What happened to a job is told to those who watch. The last write of a change: it only grows.
local function note(id, label, status, attempts, ...)
  redis.call('XADD', EVENTS, 'MAXLEN', '~', MOST_EVENTS, '*', 'id', id, 'kind', label, 'status', status, 'attempts', attempts, ...)
end
local function last_event()
  local last = redis.call('XREVRANGE', EVENTS, '+', '-', 'COUNT', 1)[1]
  return last and last[1] or '0-0'
end

-- The job leaves the list of its status and enters another; the caller sets its other fields, and job.attempts before.
local function move(job, status, at, ...)
  on_lists('ZREM', job.label, job.status, job.id)
  meter(job, status, at)
  if job.queue then drop_message(job) end
  redis.call('HSET', job.key, 'status', status, 'updated_at', at, ...)
  on_lists('ZADD', job.label, status, job.created_at, job.id)
  job.status = status
  note(job.id, job.label, status, job.attempts)
end

-- The job is filed anew when its next message goes to another queue; its facets stay.
local function refile(job, shelf)
  if shelf_of(job.label) == shelf then return end
  on_lists('ZREM', job.label, job.status, job.id)
  local kind, queue = shelf:match('^([^\n]*)\n?([^\n]*)')
  local facets = job.label:match('^[^\n]*\n[^\n]*(\n.*)$')
  job.label = facets and kind .. '\n' .. queue .. facets or shelf
  redis.call('HSET', job.key, 'kind', job.label)
  on_lists('ZADD', job.label, job.status, job.created_at, job.id)
  redis.call('SADD', SHELVES, shelf)
end
