-- It was not done after all: another attempt may. ARGV: id, token, key
local job = load(ARGV[1])
if verdict(job, ARGV[2], 'running') == 'go' then redis.call('HDEL', job.key, 'once:' .. ARGV[3]) end
return 1
