-- Notes the canvas of Celery that a job is part of: that of its root, or one that begins with it. A job that is only called by
-- another is part of none.
local function note_canvas(job, at) -- rarely
  local canvas = job.root and redis.call('HGET', job_key(job.root), 'canvas_of')
  if not canvas and not job.begins then return end
  if not canvas and job.root then
    canvas = job.root
    local created_at = redis.call('HGET', job_key(canvas), 'created_at')
    if created_at then
      redis.call('HSET', job_key(canvas), 'canvas_of', canvas)
      redis.call('ZADD', canvas_key(canvas), created_at, canvas)
    end
  end
  canvas = canvas or job.begins
  redis.call('HSET', job.key, 'canvas_of', canvas)
  if job.plan then redis.call('HSET', job.key, 'plan', job.plan) end
  redis.call('ZADD', canvas_key(canvas), at, job.id)
end

-- Takes a job whose record is deleted out of its canvas.
local function leave_canvas(id, canvas)
  if canvas then redis.call('ZREM', canvas_key(canvas), id) end
end

-- Makes a record unless its id is taken; whether it did. job: id, kind, queue, max_retries; if it has them: tags (a JSON
-- array), tenant, lane, callback (a JSON object, see enqueue_callback), group, canvas (it has errbacks, a chord or a chain), parent (the job that calls it) with parent_attempt (its token), schedule
-- (that fires it), trace (its id), root, begins and plan (see note_canvas)
local function create_record(job, payload, at, call_id)
  job.key = job_key(job.id)
  if redis.call('HSETNX', job.key, 'call', call_id) == 0 then return false end
  redis.call('HSET', job.key, 'kind', job.kind, 'queue', job.queue, 'status', 'pending', 'attempts', '0',
    'max_retries', job.max_retries, 'created_at', at, 'updated_at', at, 'payload', payload)
  if job.tags then redis.call('HSET', job.key, 'tags', job.tags) end
  if job.tenant then redis.call('HSET', job.key, 'tenant', job.tenant) end
  if job.lane then redis.call('HSET', job.key, 'lane', job.lane) end
  if job.callback then redis.call('HSET', job.key, 'callback', job.callback) end
  if job.canvas then redis.call('HSET', job.key, 'canvas', 1) end
  if job.group then redis.call('HSET', job.key, 'group', job.group) end
  if job.parent then redis.call('HSET', job.key, 'parent', job.parent, 'parent_attempt', job.parent_attempt) end
  if job.schedule then redis.call('HSET', job.key, 'schedule', job.schedule) end
  if job.trace then redis.call('HSET', job.key, 'trace', job.trace) end
  if job.root or job.begins then note_canvas(job, at) end
  return true
end

-- Adds new records to their indexes. All have the kind, queue, tags and tenant of job. places: created_at and id of each
local function index_as_pending(job, places)
  job.kind_queue = kind_queue_of(job.kind, job.queue)
  update_indexes('ZADD', job, 'pending', unpack(places))
  local count = #places / 2
  local is_first = add_to_counter(job.kind_queue, 'enqueued', count) == count
  if is_first then redis.call('SADD', KIND_QUEUES, job.kind_queue) end
  local own_id = job.id
  for i = 2, #places, 2 do
    job.id = places[i]
    append_event(job, 'pending', 0)
  end
  job.id = own_id
end

-- Whether a message is older than the last rerun of its job: one of a job that was cancelled is still on its list.
local function is_outdated(job, rerun_id) return job.rerun_id and job.rerun_id ~= rerun_id end

-- Enqueues the delivery that reports how a job ended. The delivery is a job; its id follows from the end that it reports.
-- job.callback, JSON: kind, queue, list, max_retries, payload, message (with @id@ for the id), and perhaps tags and tenant
local function enqueue_callback(job, at) -- rarely
  local delivery = cjson.decode(job.callback)
  delivery.id = redis.sha1hex(job.id .. '\n' .. at)
    :gsub('^(........)(....).(...).(...)(............).*', '%1-%2-5%3-8%4-%5')
  create_record(delivery, delivery.payload, at, job.id)
  index_as_pending(delivery, { at, delivery.id })
  redis.call('HSET', delivery.key, 'reported_status', job.status, 'reported_job', job.id)
  redis.call('HSET', job.key, 'delivery', delivery.id)
  local message = delivery.message:gsub('@id@', delivery.id)
  if uses_other_broker then
    schedule(delivery, at, delivery.list, message) -- the round that promotes what is due sends it
  else
    push_message(delivery.id, in_lane(delivery.list, delivery.lane), message)
  end
end
