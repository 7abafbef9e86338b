-- A record, unless there is one of this id. -> whether it was made
local function create(id, label, max_retries, payload, at, call)
  local key = job_key(id)
  if redis.call('EXISTS', key) == 1 then return false end
  redis.call('HSET', key, 'call', call, 'kind', label, 'status', 'pending', 'attempts', '0', 'max_retries', max_retries,
    'created_at', at, 'updated_at', at, 'payload', payload)
  return true
end

-- New records of a label take their places. places: created_at and id of each, one after the other
local function list_as_pending(label, places)
  on_lists('ZADD', label, 'pending', unpack(places))
  redis.call('SADD', SHELVES, shelf_of(label))
  tally(shelf_of(label), 'enqueued', #places / 2)
  for i = 2, #places, 2 do note(places[i], label, 'pending', 0) end
end

-- Whether a message is from before its job was revived: the one of a job that was cancelled is still on its list.
local function is_outdated(job, revival) return job.revival and job.revival ~= revival end

-- A new job may have after its due time, on the next line, a callback: it is kept for its end. -> the due time alone
local function keep_callback(id, due)
  local time, callback = due:match('^(.-)\n(.*)$')
  if not time then return due end
  redis.call('HSET', job_key(id), 'callback', callback)
  return time
end

-- Whoever wanted to be told how a job ends is told by a job of its own, the delivery, which comes into being with that
-- end; its id is made of which end of which job it is.
-- job.callback: its queue, max_retries, payload, and message with @id@ for its id, a line each; then its label
local function call_back(job, at) -- rarely
  local queue, max_retries, payload, message, label = job.callback:match('^(.-)\n(.-)\n(.-)\n(.-)\n(.*)$')
  local id = redis.sha1hex(job.id .. '\n' .. at)
    :gsub('^(........)(....).(...).(...)(............).*', '%1-%2-5%3-8%4-%5')
  create(id, label, max_retries, payload, at, job.id)
  list_as_pending(label, { at, id })
  redis.call('HSET', job_key(id), 'event', job.status, 'of', job.id)
  redis.call('HSET', job.key, 'delivery', id)
  message = message:gsub('@id@', id)
  if elsewhere then
    schedule({ id = id, key = job_key(id) }, at, queue, message) -- it goes with what is due
  else
    push(id, queue, message)
  end
end
