-- One job's hash, loaded: nil when there is none.
local function load(id)
  local key = job_key(id)
  local f = redis.call('HMGET', key, 'kind', 'status', 'attempts', 'created_at', 'token', 'queue', 'deaths', 'callback', 'revival',
    'updated_at', 'started_at')
  if not f[1] then return nil end
  return {
    id = id, key = key, label = f[1], status = f[2], attempts = tonumber(f[3]), created_at = f[4], token = f[5],
    queue = f[6], deaths = f[7], callback = f[8], revival = f[9], updated_at = f[10], started_at = f[11],
  }
end

-- A message that the job keeps, because it is not due or the other broker has not confirmed it, is dropped.
local function drop_message(job)
  redis.call('ZREM', SCHEDULED, job.id)
  if elsewhere then redis.call('ZREM', UNSENT, job.id) end
  redis.call('HDEL', job.key, 'message', 'queue')
  job.queue = nil
end

local function shelf_of(label)
  if not label:find('\n', 1, true) then return label end
  local kind, queue = label:match('^([^\n]*)\n([^\n]*)')
  return queue == '' and kind or kind .. '\n' .. queue
end

local function queue_on(shelf) return shelf:match('\n(.*)$') or DEFAULT_QUEUE end

-- A command on every list that holds the jobs of a label and a status: one, and one for each facet.
local function on_lists(command, label, status, ...)
  if not label:find('\n', 1, true) then
    redis.call(command, index_key(label, status), ...)
    return
  end
  local shelf = shelf_of(label)
  redis.call(command, index_key(shelf, status), ...)
  for facet in label:match('^[^\n]*\n[^\n]*(.*)'):gmatch('[^\n]+') do
    redis.call(command, facet_key(facet, shelf, status), ...)
  end
end
