-- The running attempt was ended from outside. ARGV: id, token, cause ('' = nobody's fault) -> 'returned' | 'dropped' | 'poison'
local job = load(ARGV[1])
if not job or job.status ~= 'running' or job.token ~= ARGV[2] then return job and not FINAL[job.status] and 'returned' or 'dropped' end
return (interrupt(job, now(), ARGV[3], 1))
