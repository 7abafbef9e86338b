-- Makes the jobs of a schedule that is due, and sets when it is due next. What the caller computed counts only while the
-- schedule is as the caller read it: so each due time is fired once, and none of a plan that was replaced.
-- ARGV: call_id, firing (JSON: name, revision, due, fire_at (of due), next and next_at (missing when none follows), overlap,
-- pause_after, missed (due times without a job), invalid (no job can be made), jobs: as enqueue takes them, with due_at),
-- then of each job its payload and its message
-- -> 'fired', how many | 'skipped' | 'held' (the job waits for the end of the last one) | 'paused' | 'changed'
local LOOK_AGAIN = 0.5 -- seconds until a job that waits is looked at
local firing, at = cjson.decode(ARGV[2]), now()
local name, jobs, key = firing.name, firing.jobs, schedule_key(firing.name)
local revision, due, paused, last, waiting = unpack(redis.call('HMGET', key, 'revision', 'due', 'paused', 'last', 'waiting'))
if revision ~= firing.revision or due ~= firing.due or paused then return { 'changed' } end
local unfinished = firing.overlap ~= 'allow' and load_unfinished(last) or nil
if waiting and not unfinished then return { 'changed' } end -- the job that waits comes first: see release

if has_failed_in_a_row(name, firing.pause_after) then
  note_skip(name, due, at, 'failures', 1)
  pause_schedule(name, 'failures', at)
  return { 'paused' }
end

local function go_on(is_waiting)
  local next_at = firing.next_at or '+inf'
  redis.call('HDEL', key, 'due', 'next_at')
  if firing.next then redis.call('HSET', key, 'due', firing.next) end
  if is_waiting then redis.call('HSET', key, 'next_at', next_at) end
  set_fire_time(name, is_waiting and string.format('%.6f', math.min(tonumber(next_at), at + LOOK_AGAIN)) or next_at)
end

if firing.missed > 0 then note_skip(name, due, at, 'missed', firing.missed) end
if firing.invalid or #jobs == 0 then
  if firing.invalid then note_skip(name, due, at, 'invalid', 1) end
  go_on(waiting)
  return { 'skipped' }
end

if unfinished and firing.overlap == 'cancel_running' then
  if unfinished.status == 'running' then
    redis.call('HSET', unfinished.key, 'cancel', at)
    redis.call('SADD', cancel_requests_key(worker_of(unfinished.token)), unfinished.id)
  else
    end_cancelled(unfinished, at)
    unfinished = nil
  end
end
local newest = jobs[#jobs].due_at
if unfinished then
  local has_one = waiting or unfinished.status == 'pending' -- the last job has not begun: it is the one that waits
  if firing.overlap == 'skip' or firing.overlap == 'one_waiting' and has_one then
    note_skip(name, newest, at, 'overlap', 1)
    go_on(waiting)
    return { 'skipped' }
  end
  if waiting then note_skip(name, waiting, at, 'overlap', 1) end
  redis.call('HSET', key, 'waiting', newest)
  go_on(true)
  return { 'held' }
end

if waiting then -- the last job was cancelled before it began
  note_skip(name, waiting, at, 'overlap', 1)
  redis.call('HDEL', key, 'waiting')
end
local made = make_jobs(name, jobs, ARGV, 3, ARGV[1], at, 'fired')
count_duration(nil, 'late', firing.fire_at, at, SCHEDULE_COUNTS)
go_on()
return { 'fired', made }
