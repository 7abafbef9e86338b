-- Ends a running attempt that was asked to stop. ARGV: id, token -> verdict
local job = load_job(ARGV[1])
local verdict = check_attempt(job, ARGV[2], 'cancelled')
if verdict == 'applied' then end_cancelled(job, now()) end
return verdict
