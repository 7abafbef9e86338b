-- Ends the job that a pool process has run and claims its next one, in one step: a message is never nowhere.
-- ARGV: request (JSON, see project/store/commands/claims.py), result, children, result message
-- -> verdict of the success ('' = none was to be stored); then, if a message was claimed: 'started', or why its attempt has
--    not begun ('unknown' no record | 'busy' a live worker runs the job | 'held' the process has to look at its header |
--    'ended' only the aftermath is left |
--    'unreadable'), its text, and how often the job was interrupted (nothing = never); if none was, '' or 'again' (only
--    messages that cannot start were found so far), then nothing twice, and the seconds until a limit may let a job pass
even_if_full()
local MAX_DROPPED_MESSAGES = 50 -- of one command
local MAX_GATES = 4 -- that are looked at

local function headers_of(message)
  local is_json, content = pcall(cjson.decode, message)
  local headers = is_json and type(content) == 'table' and content.headers
  if type(headers) ~= 'table' or type(headers.id) ~= 'string' or type(headers.task) ~= 'string' then return nil end
  return headers
end

local request = cjson.decode(ARGV[1])
local worker, serial, claims = request.worker, request.serial, request.claims
local unacked, at, verdict = unacked_key(worker), now(), ''
if request.job then
  local job = load_job(request.job)
  verdict = check_attempt(job, request.token, 'success')
  if verdict == 'applied' then end_succeeded(job, at, ARGV[2], ARGV[3], ARGV[4]) end
end
if request.done and verdict == 'applied' then
  redis.call('HDEL', unacked, request.done)
elseif request.done then
  acknowledge(worker, request.done)
end
local place_field = 'place:' .. request.process
if not claims then
  if request.is_last then redis.call('HDEL', worker_key(worker), place_field) end
  return { verdict }
end

local entry = redis.call('HGET', unacked, serial)
if entry then -- a repetition after a lost answer
  local message = entry:match('^.-\n(.*)$')
  local headers = headers_of(message)
  local job = headers and load_job(headers.id)
  local is_started = job and job.token == worker .. '#' .. serial
  return { verdict, is_started and 'started' or headers and 'held' or 'unreadable', message, job and job.interruptions }
end
-- The network can deliver a request again, long after its answer. The process does not wait for that answer.
local last_place = redis.call('HGET', worker_key(worker), place_field)
if last_place and request.place <= tonumber(last_place) then return { verdict } end
-- A worker that signed off or lost its lease takes no more: nobody would requeue those messages.
if not redis.call('ZSCORE', WORKERS, worker) then return { verdict } end

redis.call('HSET', worker_key(worker), place_field, request.place)

local function is_set(value) return value ~= nil and value ~= cjson.null end

-- Whether only the process can tell if the job may begin now: its worker does not know the kind, or it has conditions.
local function is_held(headers, kind)
  if not kind then return true end
  return is_set(headers.eta) or is_set(headers.expires) or (claims.stamps and is_set(headers.stamps))
end

-- Whether no queue is paused, no lanes take turns, and there are no limits.
local all_plain = redis.call('EXISTS', PAUSED, LANED, LIMITS_BY) == 0
local is_unlimited = all_plain or redis.call('EXISTS', LIMITS_BY) == 0

local function claim(list, message)
  redis.call('HSET', unacked, serial, list .. '\n' .. message)
  local headers = headers_of(message)
  if not headers then return 'unreadable' end
  local kind = redis.call('HGET', worker_key(worker), 'kind:' .. headers.task)
  if is_held(headers, kind) then return 'held' end
  local retries = type(headers.retries) == 'number' and headers.retries or 0
  local rerun_id = is_set(headers.revival) and headers.revival or ''
  local state, begun = start_attempt(headers.id, retries, worker .. '#' .. serial, rerun_id, at, is_unlimited)
  if state == 'limited' then return nil end
  if state == 'started' and kind == 'early' then redis.call('HSET', begun.key, 'early', 1) end
  if state ~= 'refused' then return state, begun and begun.interruptions end
  redis.call('HDEL', unacked, serial)
end

local left, look_at = MAX_DROPPED_MESSAGES, nil
if not all_plain and redis.call('EXISTS', LIMIT_WAITS) == 1 then look_at = look_at_gates(at, MAX_GATES) end
for _, first in ipairs(claims.lists) do
  while left > 0 do
    local list, message, has_more = first, nil, nil
    if all_plain then
      message = redis.call('RPOP', list)
    else
      list, message, has_more = pop_next(first)
    end
    if not message then break end
    left = left - 1
    local state, interruptions = claim(list, message)
    if state then
      if all_plain then has_more = redis.call('LLEN', list) > 0 end
      if has_more then wake_worker(list) end
      return { verdict, state, message, interruptions }
    end
  end
end
if left == 0 then return { verdict, 'again' } end
return { verdict, '', '', '', look_at and string.format('%.6f', look_at - at) or nil }
