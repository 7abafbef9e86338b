-- Whether the attempt with this token may end the current run of the job.
-- -> 'applied' | 'repeated' (this attempt did so already and asks again, because an answer was lost) | 'refused'
local function check_attempt(job, token, status)
  if not job or job.token ~= token then return 'refused' end
  if job.status == 'running' then return 'applied' end
  if job.status == status then return 'repeated' end
  return 'refused'
end

-- Adds a failed attempt to the record, as a line of JSON. delay: seconds until the next attempt, 'null' for none.
-- cause: a JSON object with the other members. Call it after the transition: it only grows.
local function append_failure(job, at, attempt, token, delay, cause)
  local failures, started_at = unpack(redis.call('HMGET', job.key, 'errors', 'started_at'))
  failures = failures or ''
  local _, count = failures:gsub('\n', '')
  if count == MAX_FAILURES then failures = failures:match('^.-\n(.*)$') end
  local line = '{"at":' .. at .. ',"attempt":' .. attempt .. ',"worker":' .. cjson.encode(worker_of(token) or '')
    .. ',"started_at":' .. (token ~= '' and started_at or 'null') .. ',"next_delay":' .. delay .. ',' .. cause:sub(2) .. '\n'
  redis.call('HSET', job.key, 'errors', failures .. line)
end

-- Takes the message of an attempt out of the hands of its worker, because another message goes on with the job under the same
-- count of attempts: an acknowledgement that comes late, or a death, would take the old one for the one that the job waits for.
local function drop_held_message(token) -- rarely
  local worker, serial = token:match('^(.*)#(.*)$')
  if worker then redis.call('HDEL', unacked_key(worker), serial) end
end

local function begin_attempt(job, attempt, at, token)
  job.attempts = attempt
  if job.token then redis.call('HDEL', job.key, 'progress') end -- of the attempt before
  transition(job, 'running', at, 'attempts', attempt, 'started_at', at, 'token', token)
end

-- Takes back the running attempt, which is not counted. A parked copy of its message goes on its list.
local function revert_attempt(job, at)
  local list, copy = job.message_list, nil
  if list then copy = redis.call('HGET', job.key, 'message') end
  job.attempts = job.attempts - 1
  job.outcome = 'interrupted'
  transition(job, job.attempts > 0 and 'retrying' or 'pending', at, 'attempts', job.attempts, 'token', '')
  redis.call('HINCRBY', job.key, 'interruptions', 1)
  if copy then
    push_message(job.id, list, copy, true)
    if uses_other_broker then job.message_list = list end
  end
end

-- Publishes a result the way Celery does, for those who wait in AsyncResult.get.
local function publish_result(id, result_message) redis.call('PUBLISH', 'celery-task-meta-' .. id, result_message) end

local function end_succeeded(job, at, result, children, result_message)
  transition(job, 'success', at, 'finished_at', at, 'result', result)
  if children ~= '' then redis.call('HSET', job.key, 'children', children) end
  if job.callback then enqueue_callback(job, at) end
  if job.workflow then note_node_end(job, at) end
  publish_result(job.id, result_message)
end

-- fingerprint, filing: the cause of a failure, see file_failure; nothing for a cancellation.
local function end_failed(job, at, status, error, exception, result_message, fingerprint, filing)
  if fingerprint then
    transition(job, status, at, 'finished_at', at, 'error', error, 'exception', exception, 'fingerprint', fingerprint)
    file_failure(job, at, fingerprint, filing)
  else
    transition(job, status, at, 'finished_at', at, 'error', error, 'exception', exception)
  end
  if job.callback then enqueue_callback(job, at) end
  if job.workflow then note_node_end(job, at) end
  publish_result(job.id, result_message)
end

-- Before a script ends a job that is part of a canvas: lets a process take the message once more, which then calls errbacks
-- and fails the chord and the chain ("aftermath"). is_running: the message is in the hands of the worker of its token.
local function keep_aftermath(job, is_running, always) -- rarely
  if not always and redis.call('HEXISTS', job.key, 'canvas') == 0 then return end
  redis.call('HSET', job.key, 'aftermath', 1)
  local worker, serial = (job.token or ''):match('^(.*)#(.*)$')
  local entry = is_running and worker and redis.call('HGET', unacked_key(worker), serial)
  if entry then
    local list, message = entry:match('^(.-)\n(.*)$')
    push_message(job.id, list, message)
  elseif job.message_list and not uses_other_broker then
    push_message(job.id, job.message_list, lengthen_message(redis.call('HGET', job.key, 'message'), job.id))
  end
end

-- Lets a round cancel the workflow that a job of the kind workflow waits for.
local function cancel_own_workflow(job, at) -- rarely
  local key = workflow_key(job.id)
  if redis.call('HGET', key, 'status') ~= 'running' then return end
  redis.call('HSET', key, 'stopped', 'cancel', 'cancel', 'its job was cancelled')
  redis.call('ZADD', OPEN_WORKFLOWS, at, job.id)
end

local function end_cancelled(job, at, reason) -- rarely
  reason = reason or 'cancelled'
  local is_running = job.status == 'running'
  keep_aftermath(job, is_running, is_running)
  local exception = { exc_type = 'TaskRevokedError', exc_module = 'celery.exceptions', exc_message = { reason } }
  end_failed(job, at, 'cancelled', reason, cjson.encode(exception),
    cjson.encode({ task_id = job.id, status = 'REVOKED', result = exception }))
  if job.kind == 'workflow' then cancel_own_workflow(job, at) end
end

-- Cancels the job if that was requested, whatever ended its attempt; whether it did.
local function cancel_if_requested(job, at)
  if redis.call('HEXISTS', job.key, 'cancel') == 0 then return false end
  end_cancelled(job, at)
  return true
end

local function fail_as_poison(job, at, deaths, cause)
  local error = string.format('WorkerLostError: the job killed its worker %g times, last: %s', deaths, cause)
  local exception = { exc_type = 'WorkerLostError', exc_module = 'billiard.exceptions', exc_message = { error } }
  add_to_counter(job.kind_queue, 'poison', 1)
  keep_aftermath(job, true, true)
  end_failed(job, at, 'failed', error, cjson.encode(exception),
    cjson.encode({ task_id = job.id, status = 'FAILURE', result = exception, traceback = error }), build_filing(job, error))
end

-- A kind with acks_late=False runs at most once: its job fails when its attempt is interrupted.
local function fail_as_lost(job, at, cause) -- rarely
  local reason = cause ~= '' and cause or 'the worker was stopped'
  local error = 'WorkerLostError: ' .. reason .. '; a job with acks_late=False does not run again'
  local exception = { exc_type = 'WorkerLostError', exc_module = 'billiard.exceptions', exc_message = { error } }
  keep_aftermath(job, true)
  end_failed(job, at, 'failed', error, cjson.encode(exception),
    cjson.encode({ task_id = job.id, status = 'FAILURE', result = exception, traceback = error }), build_filing(job, error))
end

-- Fails a job that could never end: nobody runs it, and its message is nowhere.
local function fail_as_broken(job, at, fault) -- rarely
  local error = 'MessageLost: ' .. fault .. '; the job did not end, and can be run again'
  local exception = { exc_type = 'MessageLost', exc_module = 'project.errors', exc_message = { error } }
  end_failed(job, at, 'failed', error, cjson.encode(exception),
    cjson.encode({ task_id = job.id, status = 'FAILURE', result = exception, traceback = error }), build_filing(job, error))
end

local function fail_by_switch(job, at, name) -- rarely
  keep_aftermath(job, false)
  local error = 'SwitchedOff: failed by the ' .. name .. '; the job can be run again when that is over'
  local exception = { exc_type = 'SwitchedOff', exc_module = 'project.errors', exc_message = { error } }
  end_failed(job, at, 'failed', error, cjson.encode(exception),
    cjson.encode({ task_id = job.id, status = 'FAILURE', result = exception, traceback = error }))
end

-- Takes back the running attempt, or cancels the job if that was requested. A cause is a death, which counts: by a weight
-- of a half when other processes of its worker died too, and of an eighth when its process ran several jobs. The third death fails the job.
-- -> 'returned' (the job runs again) | 'dropped' | 'poison'; whether the job had better run apart from others
local function interrupt_attempt(job, at, cause, weight) -- rarely
  if cancel_if_requested(job, at) then return 'dropped' end
  if redis.call('HEXISTS', job.key, 'early') == 1 then
    fail_as_lost(job, at, cause)
    return 'dropped'
  end
  local attempt, deaths = job.attempts, 0
  revert_attempt(job, at)
  if cause ~= '' then deaths = tonumber(redis.call('HINCRBYFLOAT', job.key, 'deaths', weight)) end
  local failure = { class = 'WorkerLostError', message = cause ~= '' and cause or 'the worker was stopped', traceback = '', interrupted = true }
  append_failure(job, at, attempt, job.token, deaths < MAX_DEATHS and '0' or 'null', cjson.encode(failure))
  if cause ~= '' then append_death(job, at, attempt, cause) end
  if deaths < MAX_DEATHS then return 'returned', cause ~= '' and (weight == 0.5 or deaths > 1) end
  fail_as_poison(job, at, deaths, cause)
  return 'poison'
end
