-- The attempt worked. ARGV: id, token, result, children ('' = it called no other job), news (told to whoever waits for
-- the result). -> verdict
local id, token, result, children, news = unpack(ARGV)
local job, at = load(id), now()
local may = verdict(job, token, 'success')
if may ~= 'go' then return may end
move(job, 'success', at, 'finished_at', at, 'result', result)
if children ~= '' then redis.call('HSET', job.key, 'children', children) end
if job.callback then call_back(job, at) end
tell(id, news)
return may
