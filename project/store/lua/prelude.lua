-- Stands before every move. KEYS[1] is the prefix of all our keys; what else is touched is derived from it. KEYS[2] is
-- how many events are kept. A KEYS[3] says that messages are not Redis lists but go through another broker: here they
-- are only noted, until it has them.
-- Removals come before additions everywhere: a full Redis refuses a script's first growing write, never a later one,
-- so an enqueue is refused whole while a running job can still be finished.
local prefix = KEYS[1]
local MOST_EVENTS = KEYS[2]
local elsewhere = KEYS[3] ~= nil
local EVENTS = prefix .. 'events'       -- stream: what happened to jobs, the oldest forgotten
local SCHEDULED = prefix .. 'scheduled' -- zset: job id -> when its message is due
local UNSENT = prefix .. 'unsent'       -- zset: job id -> since when its message is to go to the other broker
local SHELVES = prefix .. 'kinds'       -- set: every shelf that ever had a job
local QUEUES = prefix .. 'queues'       -- set: every list that messages were put on
local WORKERS = prefix .. 'workers'     -- zset: worker id -> when its lease ends
local PULSE = prefix .. 'pulse'         -- hash: when a worker was last heard of, until when leases are not judged
local PAUSED = prefix .. 'paused'       -- set: queues that hand out nothing
local PACE = prefix .. 'pace'           -- hash: how long jobs of a shelf take, how many of a queue can run at once
local TRAFFIC = prefix .. 'traffic'     -- hash: what HTTP servers have counted -> how often or how much
local GARBAGE = prefix .. 'garbage'     -- list: messages nobody can read, newest first
local DEFAULT_QUEUE = 'celery'          -- the one that a label does not name
local MOST_GARBAGE = 10000
local DISABLED = prefix .. 'disabled'   -- zset: URL -> since when it wants no more callbacks
local MOST_DISABLED = 10000
local HISTORY = prefix .. 'history'     -- list: what had been counted minutes ago, newest first
local MOST_DEATHS = 3                   -- a job that killed its worker so often is not run again
local MOST_FAILURES = 20                -- attempts that did not work are kept on the record, the last ones
local STATUSES = { 'pending', 'running', 'success', 'failed', 'retrying', 'cancelled' }
local FINAL = { success = true, failed = true, cancelled = true }

local function job_key(id) return prefix .. 'job:' .. id end
-- A job is filed under its label: its kind; on a second line its queue, empty for Celery's own; on further lines its
-- facets. Its shelf is the part before the facets. zset: job id -> when it was created
local function index_key(shelf, status) return prefix .. 'index:' .. shelf .. ':' .. status end
-- hash: what happened to its jobs -> how often or how much
local function meter_key(shelf) return prefix .. 'meter:' .. shelf end
local function facet_key(facet, shelf, status) return prefix .. 'facet:' .. facet .. '\n' .. shelf .. ':' .. status end
local function worker_key(id) return prefix .. 'worker:' .. id end
local function unacked_key(worker) return prefix .. 'unacked:' .. worker end -- hash: serial -> list, newline, message
local function cancelling_key(worker) return prefix .. 'cancelling:' .. worker end -- set: jobs it is asked to stop
local function unique_key(kind, key) return prefix .. 'unique:' .. kind .. '\n' .. key end -- string: the job that holds it
local function bell_key(queue) return prefix .. 'bell:' .. queue end        -- list: an item when there is work

-- To be called first by a move that has nothing to remove and must work when Redis is full.
local function even_if_full() redis.call('DEL', prefix .. 'nothing') end

-- The time since the epoch in seconds and microseconds, in a script always the same; and as it is kept.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]), tonumber(time[2])
end
local function timestamp(second, micro)
  if micro >= 1000000 then return timestamp(second + 1, micro - 1000000) end
  return string.format('%d.%06d', second, micro)
end
local function now() return timestamp(clock()) end

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

-- What an operator wants to know is counted, for ever; a counter that is read twice tells what was between.
local function tally(shelf, what, amount) redis.call('HINCRBY', meter_key(shelf), what, amount) end

-- What has been counted by now of all jobs: the time, then how many were ordered, succeeded, failed and were cancelled,
-- then how long attempts had waited, by bucket; numbers between spaces.
local function sums(at)
  local ordered, ended, waits = 0, { success = 0, failed = 0, cancelled = 0 }, {}
  for i = 1, 24 do waits[i] = 0 end
  local function add(name, amount)
    local what, bucket = name:match('^(%a+)(%d+)$')
    what = what or name:match('^unrun:(%a+)$')
    if name == 'enqueued' then ordered = ordered + amount end
    if what == 'wait' then waits[bucket + 1] = waits[bucket + 1] + amount end
    if ended[what] then ended[what] = ended[what] + amount end
  end
  for _, shelf in ipairs(redis.call('SMEMBERS', SHELVES)) do
    local counted = redis.call('HGETALL', meter_key(shelf))
    for i = 1, #counted, 2 do add(counted[i], tonumber(counted[i + 1])) end
  end
  return table.concat({ at, ordered, ended.success, ended.failed, ended.cancelled, unpack(waits) }, ' ')
end

-- How long something took: in the bucket of its time, below 2^n milliseconds, and in the sum of microseconds.
local function clock_up(shelf, what, since, at)
  local micros = math.max(math.floor((at - since) * 1e6 + 0.5), 0)
  local _, bucket = math.frexp(micros / 1000)
  local key = meter_key(shelf)
  redis.call('HINCRBY', key, what .. (bucket < 0 and 0 or bucket > 23 and 23 or bucket), 1)
  redis.call('HINCRBY', key, what .. 'us', micros)
end

-- An attempt begins (its job has waited till now), or ends; or a job ends that waits.
local function meter(job, status, at)
  if job.status == 'running' then
    clock_up(shelf_of(job.label), job.outcome or status, job.started_at, at)
  elseif status == 'running' then
    clock_up(shelf_of(job.label), 'wait', job.updated_at, at)
  elseif status ~= 'pending' and status ~= 'retrying' then
    tally(shelf_of(job.label), 'unrun:' .. status, 1)
  end
end

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

local function schedule(job, due, queue, message)
  job.queue = queue
  redis.call('HSET', job.key, 'queue', queue, 'message', message)
  redis.call('ZADD', SCHEDULED, due, job.id)
end

-- A list is its queue's name, then perhaps \6 \22 and a priority.
local function queue_of(list) return list:match('^[^\6]*') end
local function is_open(list) return redis.call('SISMEMBER', PAUSED, queue_of(list)) == 0 end
local function lists_of(queue) return { queue, queue .. '\6\0223', queue .. '\6\0226', queue .. '\6\0229' } end

-- Wake a worker that waits. One item is enough: a worker that leaves messages behind rings again.
local function ring(list)
  local bell = bell_key(queue_of(list))
  if redis.call('LLEN', bell) == 0 then redis.call('LPUSH', bell, 1) end
end

local function push(id, list, message, at_front)
  if elsewhere then
    redis.call('HSET', job_key(id), 'queue', list, 'message', message)
    redis.call('ZADD', UNSENT, now(), id)
    return
  end
  redis.call(at_front and 'RPUSH' or 'LPUSH', list, message)
  redis.call('SADD', QUEUES, list)
  ring(list)
end

local function push_all(list, messages)
  redis.call('LPUSH', list, unpack(messages))
  redis.call('SADD', QUEUES, list)
  ring(list)
end

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
local function call_back(job, at) -- seldom
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

-- May the attempt with this token end the job's current run?
-- 'go'; 'again' (this very attempt already did it, and is asking twice after a lost answer); 'refused'.
local function verdict(job, token, status)
  if not job or job.token ~= token then return 'refused' end
  if job.status == 'running' then return 'go' end
  if job.status == status then return 'again' end
  return 'refused'
end

-- An attempt's token is its worker's id, # and the serial of the delivery it runs for. Its worker, and whether that
-- one's lease holds. After a time in which Redis heard of no worker at all,
-- everybody is late: until `mercy` is over no lease counts as ended.
local function worker_of(token) return token and token:match('^(.*)#') end
local function is_merciful(at) return tonumber(redis.call('HGET', PULSE, 'mercy') or 0) > tonumber(at) end
-- A worker calls. When none has for half the time of a lease, Redis was out of reach of them all, and all get as long
-- again to renew theirs; they try every quarter of a second.
local function hear(at, lease)
  local heard = tonumber(redis.call('HGET', PULSE, 'heard') or 0)
  redis.call('HSET', PULSE, 'heard', at)
  if at - heard > lease / 2 then redis.call('HSET', PULSE, 'mercy', string.format('%.6f', at + lease / 2)) end
end

local function lives(worker)
  local ends = worker and redis.call('ZSCORE', WORKERS, worker)
  local at = now()
  return ends and (tonumber(ends) > tonumber(at) or is_merciful(at))
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

local function cancel(job, at) -- seldom
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
local function interrupt(job, at, cause, weight) -- seldom
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

-- Seconds that a suspect waits, by chance another number for each, so that suspects do not run side by side again.
local function apart(at)
  math.randomseed(tonumber(at:match('%.(%d+)')))
  return 0.5 + math.random() * 2.5
end

-- Whether the worker is at another job that has died before: two such do not run side by side.
local function runs_other_suspect(worker, id)
  local suspect = redis.call('HGET', worker_key(worker), 'suspect')
  local job = suspect and suspect ~= id and load(suspect)
  return job and job.status == 'running' and worker_of(job.token) == worker
end

-- Whether a job that waits has gone past the attempt this message was for.
local function is_old(job, retries)
  return job.status ~= 'running' and type(retries) == 'number' and retries ~= job.attempts
end

local function split(entry)
  local list, message = entry:match('^(.-)\n(.*)$')
  local readable, content = pcall(cjson.decode, message)
  local headers = readable and type(content) == 'table' and type(content.headers) == 'table' and content.headers or {}
  return list, message, headers
end

-- Whether this very message in a worker's hands is the one that its job runs for.
local function runs_for(job, worker, serial)
  return job and job.status == 'running' and job.token == worker .. '#' .. serial
end

-- A message of a worker goes back to the front of its list; an attempt that had started there is interrupted.
-- -> 'returned' | 'dropped' (the job needs it no more) | 'poison'
local function give_back(worker, serial, entry, cause, weight)
  local list, message, headers = split(entry)
  local job = headers.id and load(headers.id)
  if job and (FINAL[job.status] or is_old(job, headers.retries)) then return 'dropped' end
  if runs_for(job, worker, serial) then
    local at = now()
    local fate, suspect = interrupt(job, at, cause, weight or 1)
    if fate ~= 'returned' then return fate end
    if suspect then
      schedule(job, string.format('%.6f', tonumber(at) + apart(at)), list, message)
      return fate
    end
  end
  push(nil, list, message, true)
  return 'returned'
end

-- The same for one message in a worker's hands, which leaves them last: should anything in it break, it goes back as it is.
local function give_back_held(worker, serial, cause, weight)
  local entry = redis.call('HGET', unacked_key(worker), serial)
  if not entry then return 'dropped' end
  local whole, fate = pcall(give_back, worker, serial, entry, cause, weight)
  if not whole then
    local list, message = entry:match('^(.-)\n(.*)$')
    push(nil, list, message, true)
    fate = 'returned'
  end
  redis.call('HDEL', unacked_key(worker), serial)
  return fate
end

-- Everything a worker holds goes back. -> how many messages, how many of them poison
local function give_back_all(worker, cause)
  local held, running, returned, poison = redis.call('HGETALL', unacked_key(worker)), 0, 0, 0
  for i = 1, #held, 2 do
    local _, _, headers = split(held[i + 1])
    local whole, job = pcall(load, headers.id)
    if whole and runs_for(job, worker, held[i]) then running = running + 1 end
  end
  for i = 1, #held, 2 do
    local fate = give_back_held(worker, held[i], cause, running > 1 and 0.5 or 1)
    if fate ~= 'dropped' then returned = returned + 1 end
    if fate == 'poison' then poison = poison + 1 end
  end
  return returned, poison
end
