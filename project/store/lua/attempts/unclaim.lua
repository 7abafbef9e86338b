-- Releases a claim, so that another attempt may do it. ARGV: id, token, key
local job = load_job(ARGV[1])
if check_attempt(job, ARGV[2], 'running') == 'applied' then redis.call('HDEL', job.key, 'once:' .. ARGV[3]) end
return 1
