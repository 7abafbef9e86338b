-- Lists schedules that are due, from a random place, so that workers do not all fire the same ones.
-- ARGV: limit, a random number from 0 to 1 -> the time now, when the next is due ('' = none), schedules (see describe_schedule)
-- A schedule with a job that waits is listed when its last job has ended, and looked at again soon until then.
local LOOK_AGAIN = 0.5 -- seconds
local at, limit, found = now(), tonumber(ARGV[1]), {}
local count = redis.call('ZCOUNT', SCHEDULES, '-inf', at)
local offset = math.floor(tonumber(ARGV[2]) * math.max(count - limit + 1, 1))
for _, name in ipairs(redis.call('ZRANGEBYSCORE', SCHEDULES, '-inf', at, 'LIMIT', offset, limit)) do
  local last, waiting, next_at = unpack(redis.call('HMGET', schedule_key(name), 'last', 'waiting', 'next_at'))
  if waiting and tonumber(next_at) > tonumber(at) and load_unfinished(last) then
    set_fire_time(name, string.format('%.6f', math.min(tonumber(next_at), at + LOOK_AGAIN)))
  else
    found[#found + 1] = describe_schedule(name)
  end
end
local first = redis.call('ZRANGE', SCHEDULES, 0, 0, 'WITHSCORES')
return { at, first[2] and first[2] ~= 'inf' and first[2] or '', found }
