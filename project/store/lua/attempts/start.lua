-- An attempt begins, unless its message is out of date.
-- ARGV: id, retries (attempts that failed before), token, the revival it is from ('' = none)
-- -> 'started' | 'refused' | 'busy' (a live worker is at it, or this one at another suspect) | 'unknown' (no record)
local id, retries, token, revival = unpack(ARGV)
local attempt, at, worker = tonumber(retries) + 1, now(), worker_of(token)
local job = load(id)
if not job then return 'unknown' end
if is_outdated(job, revival) then return 'refused' end

if job.status == 'running' and job.attempts == attempt then
  if job.token == token then return 'started' end -- asked twice after a lost answer
  local owner = worker_of(job.token)
  if lives(owner) then return 'busy' end
  if interrupt(job, at, 'worker ' .. (owner or '') .. ' died', 1) ~= 'returned' then return 'refused' end
end
local waiting = job.status == 'pending' or job.status == 'retrying'
if not waiting or job.attempts + 1 ~= attempt then return 'refused' end
local is_suspect = worker and job.deaths
if is_suspect and runs_other_suspect(worker, id) then return 'busy' end
begin(job, attempt, at, token)
if is_suspect then redis.call('HSET', worker_key(worker), 'suspect', id) end
return 'started'
