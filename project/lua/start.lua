-- An attempt begins, unless its message is out of date.
-- ARGV: id, retries (attempts that failed before), token
-- -> 'started' | 'refused' | 'busy' (another live worker is at it) | 'unknown' (there is no record)
local id, retries, token = unpack(ARGV)
local attempt, at = tonumber(retries) + 1, now()
local job = load(id)
if not job then return 'unknown' end

if job.status == 'running' and job.attempts == attempt then
  local owner = worker_of(job.token)
  if owner ~= worker_of(token) and lives(owner) then return 'busy' end
  if interrupt(job, at, 'worker ' .. (owner or '') .. ' died', 1) ~= 'returned' then return 'refused' end
end
local waiting = job.status == 'pending' or job.status == 'retrying'
if not waiting or job.attempts + 1 ~= attempt then return 'refused' end
move(job, 'running', at, 'attempts', attempt, 'started_at', at, 'token', token)
return 'started'
