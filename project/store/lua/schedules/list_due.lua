-- Lists schedules that are due, from a random place, so that workers do not all fire the same ones.
-- ARGV: limit, a random number from 0 to 1 -> the time now, when the next is due ('' = none), schedules (see
-- describe_schedule, without the history)
-- A schedule with a job that waits is listed when its last job has ended, and looked at again soon until then.
local LOOK_AGAIN = 0.5 -- seconds
local at, limit, found = now(), tonumber(ARGV[1]), {}
local count = redis.call('ZCOUNT', SCHEDULES, '-inf', at)
local offset = math.floor(tonumber(ARGV[2]) * math.max(count - limit + 1, 1))
for _, name in ipairs(redis.call('ZRANGEBYSCORE', SCHEDULES, '-inf', at, 'LIMIT', offset, limit)) do
  local f = redis.call('HMGET', schedule_key(name), 'plan', 'revision', 'due', 'waiting', 'next_at', 'last')
  if f[4] and tonumber(f[5]) > tonumber(at) and load_unfinished(f[6]) then
    set_fire_time(name, string.format('%.6f', math.min(tonumber(f[5]), at + LOOK_AGAIN)))
  else
    found[#found + 1] = { name, f[1], f[2], f[3] or '', '', f[4] or '', '', '' }
  end
end
local first = redis.call('ZRANGE', SCHEDULES, 0, 0, 'WITHSCORES')
return { at, first[2] and first[2] ~= 'inf' and first[2] or '', found }
