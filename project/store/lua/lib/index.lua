-- The fields of a job's record that scripts need; nil when there is no record.
local function load_job(id)
  local key = job_key(id)
  local f = redis.call('HMGET', key, 'kind', 'queue', 'status', 'attempts', 'created_at', 'updated_at', 'token', 'started_at',
    'deaths', 'callback', 'rerun_id', 'message_list', 'tags', 'tenant', 'interruptions', 'lane', 'gates', 'workflow', 'ordered_by')
  if not f[1] then return nil end
  return {
    id = id, key = key, kind = f[1], queue = f[2], kind_queue = kind_queue_of(f[1], f[2]), status = f[3],
    attempts = tonumber(f[4]), created_at = f[5], updated_at = f[6], token = f[7], started_at = f[8], deaths = f[9],
    callback = f[10], rerun_id = f[11], message_list = f[12], tags = f[13], tenant = f[14],
    interruptions = f[15], lane = f[16], gates = f[17], workflow = f[18], ordered_by = f[19],
  }
end

-- Runs a command of sorted sets on every index that has the job: that of its kind and queue, of each tag, of its tenant.
local function update_indexes(command, job, status, ...)
  redis.call(command, index_key(job.kind_queue, status), ...)
  if job.tags then
    for _, tag in ipairs(cjson.decode(job.tags)) do
      redis.call(command, tag_index_key(tag, job.kind_queue, status), ...)
    end
  end
  if job.tenant then redis.call(command, tenant_index_key(job.tenant, job.kind_queue, status), ...) end
end

-- Notes whether a job waits, for the quota of the key that has ordered it.
local function note_waiting(job, status) -- rarely
  local is_waiting = status == 'pending' or status == 'retrying'
  redis.call(is_waiting and 'SADD' or 'SREM', waiting_key(job.ordered_by), job.id)
end

-- Removes the message that the record keeps because it is not due or not confirmed by the other broker.
local function drop_message(job)
  redis.call('ZREM', SCHEDULED, job.id)
  if uses_other_broker then redis.call('ZREM', UNSENT, job.id) end
  redis.call('HDEL', job.key, 'message', 'message_list', 'due_at')
  job.message_list = nil
end

-- Removes what the job has stored of its steps, waits and signals: it starts anew, with other arguments or as another job.
local function forget_steps(job) -- rarely
  for _, field in ipairs(redis.call('HKEYS', job.key)) do
    if field:find('^step:') or field:find('^signal:') then redis.call('HDEL', job.key, field) end
  end
  redis.call('HDEL', job.key, 'steps', 'wait', 'signals')
end
