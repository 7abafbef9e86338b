-- Resumes a schedule that is paused. ARGV: name, revision, due ('' = none follows), when that is fired
-- -> 1, or 0 when the schedule has changed
local name, revision, due, fire_at = unpack(ARGV)
local key = schedule_key(name)
if redis.call('HGET', key, 'revision') ~= revision then return 0 end
if redis.call('HDEL', key, 'paused') == 0 then return 1 end
redis.call('HDEL', key, 'due')
if due ~= '' then redis.call('HSET', key, 'due', due) end
set_fire_time(name, due == '' and '+inf' or fire_at)
note_firing(name, now(), now(), 'resumed', 1)
return 1
