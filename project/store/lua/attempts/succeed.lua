-- Ends an attempt that succeeded. ARGV: id, token, result, children ('' = it called no other job), result message (published
-- for those who wait for the result), is_part ('1' = its chord is still to be told) -> verdict
local id, token, result, children, result_message, is_part = unpack(ARGV)
local job, at = load_job(id), now()
local verdict = check_attempt(job, token, 'success')
if verdict == 'applied' then
  end_succeeded(job, at, result, children, result_message)
  if is_part == '1' then redis.call('HSET', job.key, 'aftermath', 1) end
end
return verdict
