-- Cancels or fails a job that waits, if one of its limits is a switch that wants it; whether it did.
local function end_by_switch(job, limits, at)
  for _, limit in ipairs(limits) do
    if limit.action == 'cancel' then
      end_cancelled(job, at, 'cancelled by the ' .. limit.name)
      return true
    elseif limit.action == 'fail' then
      fail_by_switch(job, at, limit.name)
      return true
    end
  end
  return false
end

-- -> what ask_limits answers, or 'refused' | 'ended' (only the aftermath is left), when a switch ends the job; the limits
local function ask_switches_and_limits(job, token, at) -- rarely
  local limits = limits_of(job)
  if end_by_switch(job, limits, at) then return redis.call('HEXISTS', job.key, 'aftermath') == 1 and 'ended' or 'refused' end
  return ask_limits(job, limits, token, at), limits
end

-- Begins the attempt that a message is for, if its limits agree or is_unlimited says that there are none; the second value is the job, once it has begun.
-- -> 'started' | 'refused' | 'ended' (a script ended the job; errbacks and canvas wait for this message) | 'limited' (a limit holds the message now) |
-- 'busy' (a live worker runs it, or this worker runs another suspect) | 'unknown' (no record)
local function start_attempt(id, retries, token, rerun_id, at, is_unlimited)
  local attempt, worker = retries + 1, worker_of(token)
  local job = load_job(id)
  if not job then return 'unknown' end
  if is_outdated(job, rerun_id) then return 'refused' end

  if job.status == 'running' and job.attempts == attempt then
    if job.token == token then return 'started', job end -- a repetition after a lost answer
    local owner = worker_of(job.token)
    if is_alive(owner) then return 'busy' end
    if interrupt_attempt(job, at, 'worker ' .. (owner or '') .. ' died', 1) ~= 'returned' then return 'refused' end
  end
  local is_waiting = job.status == 'pending' or job.status == 'retrying'
  if FINAL[job.status] and redis.call('HEXISTS', job.key, 'aftermath') == 1 then return 'ended' end
  if not is_waiting or job.attempts + 1 ~= attempt then return 'refused' end
  local is_suspect = worker and tonumber(job.deaths or 0) >= SUSPECT_DEATHS
  if is_suspect and runs_other_suspect(worker, id) then return 'busy' end
  local answer, limits = 'free', nil
  if not is_unlimited then answer, limits = ask_switches_and_limits(job, token, at) end
  if answer ~= 'free' then return answer end
  begin_attempt(job, attempt, at, token)
  if limits then pass_gates(job, limits, at) end
  if is_suspect then redis.call('HSET', worker_key(worker), 'suspect', id) end
  return 'started', job
end
