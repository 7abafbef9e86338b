-- The attempt worked. ARGV: id, token, result, children ('' = it called no other job), news (told to whoever waits for
-- the result). -> verdict
local id, token, result, children, news = unpack(ARGV)
local job, at = load(id), now()
local may = verdict(job, token, 'success')
if may == 'go' then succeed(job, at, result, children, news) end
return may
