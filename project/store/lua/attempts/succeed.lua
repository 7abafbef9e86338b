-- Ends an attempt that succeeded. ARGV: id, token, result, children ('' = it called no other job), result message (published
-- for those who wait for the result) -> verdict
local id, token, result, children, result_message = unpack(ARGV)
local job, at = load_job(id), now()
local verdict = check_attempt(job, token, 'success')
if verdict == 'applied' then end_succeeded(job, at, result, children, result_message) end
return verdict
