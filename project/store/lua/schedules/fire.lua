-- Makes the jobs of schedules that are due, and sets when each is due next. What the caller computed counts only while a
-- schedule is as the caller read it: so each due time is fired once, and none of a plan that was replaced.
-- ARGV: call_id, firings (JSON array; each: name, revision, due, fire_at (of due), next and next_at (missing when none follows),
-- overlap, pause_after, missed (due times without a job), invalid (no job can be made), jobs: as enqueue takes them, with
-- due_at), then of each job its payload and its message
-- -> for each: 'fired' | 'skipped' | 'held' (the job waits for the end of the last one) | 'paused' | 'changed'
local LOOK_AGAIN = 0.5 -- seconds until a job that waits is looked at
local call_id, firings, at = ARGV[1], cjson.decode(ARGV[2]), now()

-- What becomes of a due time. Writes nothing.
local function decide(firing)
  local f = redis.call('HMGET', firing.key, 'revision', 'due', 'paused', 'last', 'waiting')
  if f[1] ~= firing.revision or f[2] ~= firing.due or f[3] then return 'changed' end
  local unfinished = firing.overlap ~= 'allow' and load_unfinished(f[4]) or nil
  firing.waiting = f[5] or nil
  if firing.waiting and not unfinished then return 'changed' end -- the job that waits comes first: see release
  if has_failed_in_a_row(firing.name, firing.pause_after) then return 'paused' end
  if firing.invalid or #firing.jobs == 0 then return 'skipped' end
  if not unfinished then return 'fired' end
  if firing.overlap == 'cancel_running' then
    firing.cancels = unfinished
    return unfinished.status == 'running' and 'held' or 'fired'
  end
  local has_one = firing.waiting or unfinished.status == 'pending' -- the last job has not begun: it is the one that waits
  if firing.overlap == 'one_waiting' and not has_one then return 'held' end
  firing.overlaps = true
  return 'skipped'
end

local function cancel_last(job)
  if job.status ~= 'running' then return end_cancelled(job, at) end
  redis.call('HSET', job.key, 'cancel', at)
  redis.call('SADD', cancel_requests_key(worker_of(job.token)), job.id)
end

local function note_skips(firing, result, newest)
  if firing.missed > 0 then note_skip(firing.name, firing.due, at, 'missed', firing.missed) end
  if firing.invalid then note_skip(firing.name, firing.due, at, 'invalid', 1) end
  if firing.overlaps then note_skip(firing.name, newest, at, 'overlap', 1) end
  if firing.waiting and result ~= 'skipped' then note_skip(firing.name, firing.waiting, at, 'overlap', 1) end -- a newer one comes
end

-- Sets the next due time, and which job waits for the end of the last one.
local function go_on(firing, waiting)
  local next_at = firing.next_at or '+inf'
  if firing.next then redis.call('HSET', firing.key, 'due', firing.next) else redis.call('HDEL', firing.key, 'due') end
  if waiting then
    redis.call('HSET', firing.key, 'waiting', waiting, 'next_at', next_at)
    next_at = string.format('%.6f', math.min(tonumber(next_at), at + LOOK_AGAIN))
  elseif firing.waiting then
    redis.call('HDEL', firing.key, 'waiting', 'next_at')
  end
  set_fire_time(firing.name, next_at)
end

local function settle(firing, result, created, first)
  if result == 'changed' then return end
  if result == 'paused' then
    note_skip(firing.name, firing.due, at, 'failures', 1)
    return pause_schedule(firing.name, 'failures', at)
  end
  local newest = #firing.jobs > 0 and firing.jobs[#firing.jobs].due_at
  note_skips(firing, result, newest)
  if firing.cancels then cancel_last(firing.cancels) end
  if result == 'fired' then
    note_jobs(firing.name, firing.jobs, created, first, at, 'fired')
    count_duration(nil, 'late', firing.fire_at, at, SCHEDULE_COUNTS)
  end
  go_on(firing, result == 'held' and newest or result == 'skipped' and firing.waiting)
end

local results, jobs, texts, place = {}, {}, {}, 3
for i, firing in ipairs(firings) do
  firing.key = schedule_key(firing.name)
  results[i] = decide(firing)
  for _, job in ipairs(results[i] == 'fired' and firing.jobs or {}) do
    jobs[#jobs + 1] = job
    texts[#texts + 1], texts[#texts + 2] = ARGV[place], ARGV[place + 1]
    place = place + 2
  end
  if results[i] ~= 'fired' then place = place + 2 * #firing.jobs end
end
local created, first = enqueue_jobs(call_id, jobs, texts, 1), 1
for i, firing in ipairs(firings) do
  settle(firing, results[i], created, first)
  if results[i] == 'fired' then first = first + #firing.jobs end
end
return results
