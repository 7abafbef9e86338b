-- May the attempt with this token end the job's current run?
-- 'go'; 'again' (this very attempt already did it, and is asking twice after a lost answer); 'refused'.
local function verdict(job, token, status)
  if not job or job.token ~= token then return 'refused' end
  if job.status == 'running' then return 'go' end
  if job.status == status then return 'again' end
  return 'refused'
end

-- An attempt that did not work stays on the record, a line of JSON. delay: seconds until the next one, 'null' when there
-- is none. about: the rest of it, a JSON object. After the move: it only grows.
local function keep_failure(job, at, attempt, token, delay, about)
  local kept = redis.call('HGET', job.key, 'errors') or ''
  local _, count = kept:gsub('\n', '')
  if count == MOST_FAILURES then kept = kept:match('^.-\n(.*)$') end
  local line = '{"at":' .. at .. ',"attempt":' .. attempt .. ',"worker":' .. cjson.encode(worker_of(token) or '')
    .. ',"next_delay":' .. delay .. ',' .. about:sub(2) .. '\n'
  redis.call('HSET', job.key, 'errors', kept .. line)
end

-- An attempt begins.
local function begin(job, attempt, at, token)
  job.attempts = attempt
  if job.token then redis.call('HDEL', job.key, 'progress') end -- of an attempt before
  move(job, 'running', at, 'attempts', attempt, 'started_at', at, 'token', token)
end

-- The running attempt did not end by itself and is not counted. A copy of its message that was parked goes on its way.
local function take_back(job, at)
  local queue, copy = job.queue, nil
  if queue then copy = redis.call('HGET', job.key, 'message') end
  job.attempts = job.attempts - 1
  job.outcome = 'interrupted'
  move(job, job.attempts > 0 and 'retrying' or 'pending', at, 'attempts', job.attempts, 'token', '')
  redis.call('HINCRBY', job.key, 'interruptions', 1)
  if copy then
    push(job.id, queue, copy, true)
    if elsewhere then job.queue = queue end
  end
end

local function tell(id, news) redis.call('PUBLISH', 'celery-task-meta-' .. id, news) end

local function succeed(job, at, result, children, news)
  move(job, 'success', at, 'finished_at', at, 'result', result)
  if children ~= '' then redis.call('HSET', job.key, 'children', children) end
  if job.callback then call_back(job, at) end
  tell(job.id, news)
end

local function fail(job, at, status, error, exception, news)
  move(job, status, at, 'finished_at', at, 'error', error, 'exception', exception)
  if job.callback then call_back(job, at) end
  tell(job.id, news)
end

local function cancel(job, at) -- rarely
  local exception = { exc_type = 'TaskRevokedError', exc_module = 'celery.exceptions', exc_message = { 'cancelled' } }
  fail(job, at, 'cancelled', 'cancelled', cjson.encode(exception),
    cjson.encode({ task_id = job.id, status = 'REVOKED', result = exception }))
end

-- Whether somebody asked for it; then the job is not run again, whatever ended the attempt.
local function cancel_if_asked(job, at)
  if redis.call('HEXISTS', job.key, 'cancel') == 0 then return false end
  cancel(job, at)
  return true
end

local function fail_as_poison(job, at, deaths, cause)
  local error = string.format('WorkerLostError: the job killed its worker %g times, last: %s', deaths, cause)
  local exception = { exc_type = 'WorkerLostError', exc_module = 'billiard.exceptions', exc_message = { error } }
  tally(shelf_of(job.label), 'poison', 1)
  fail(job, at, 'failed', error, cjson.encode(exception),
    cjson.encode({ task_id = job.id, status = 'FAILURE', result = exception, traceback = error }))
end

-- The running attempt is taken back (or cancelled, when that was asked for). With a cause (a death) it is counted, by a
-- weight of half when other jobs ran beside it and may have been the cause: three of them fail the job instead.
-- -> 'returned' (it is to run again) | 'dropped' | 'poison'; whether it had better run apart from others
local function interrupt(job, at, cause, weight) -- rarely
  if cancel_if_asked(job, at) then return 'dropped' end
  local attempt, deaths = job.attempts, 0
  take_back(job, at)
  if cause ~= '' then deaths = tonumber(redis.call('HINCRBYFLOAT', job.key, 'deaths', weight)) end
  local about = { class = 'WorkerLostError', message = cause ~= '' and cause or 'the worker was stopped', traceback = '', interrupted = true }
  keep_failure(job, at, attempt, job.token, deaths < MOST_DEATHS and '0' or 'null', cjson.encode(about))
  if deaths < MOST_DEATHS then return 'returned', cause ~= '' and (weight < 1 or deaths > 1) end
  fail_as_poison(job, at, deaths, cause)
  return 'poison'
end
