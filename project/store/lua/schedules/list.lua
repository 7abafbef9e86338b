-- Lists schedules, those that are due first; paused ones and those that are over come last.
-- ARGV: tenant ('' = of all), offset, limit -> the time now, how many there are, schedules (see describe_schedule)
local tenant, offset, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local key, found = tenant == '' and SCHEDULES or prefix .. 'schedules:' .. tenant, {}
for _, name in ipairs(redis.call('ZRANGE', key, offset, offset + limit - 1)) do found[#found + 1] = describe_schedule(name) end
return { now(), redis.call('ZCARD', key), found }
