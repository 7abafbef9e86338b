-- Takes back a running attempt that ended from outside. ARGV: id, token, cause ('' = the worker was stopped)
-- -> 'returned' | 'dropped' | 'poison'
local job = load_job(ARGV[1])
if not job or job.status ~= 'running' or job.token ~= ARGV[2] then
  return job and not FINAL[job.status] and 'returned' or 'dropped'
end
return (interrupt_attempt(job, now(), ARGV[3], 1))
