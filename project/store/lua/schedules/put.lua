-- Writes a schedule. ARGV: name, revision (new, names this call), plan (JSON), source, due ('' = none follows), when that is
-- fired, expected ('' = anything, '-' = there is none, or its revision), how many schedules its tenant may have (0 = any number)
-- -> 'created' | 'changed' | 'same' (it says so already) | 'conflict' (not as expected) | 'foreign' (it has another source) | 'full'
local name, revision, plan, source, due, fire_at, expected, limit = unpack(ARGV)
local key = schedule_key(name)
local old_revision, old_plan, old_source, paused = unpack(redis.call('HMGET', key, 'revision', 'plan', 'source', 'paused'))
if old_revision == revision then return 'changed' end -- a repetition after a lost answer
if expected ~= '' and expected ~= (old_revision or '-') then return 'conflict' end
if old_source and (old_source == 'code') ~= (source == 'code') then return 'foreign' end
if old_plan == plan then return 'same' end
local tenant_key = tenant_schedules_key(name)
local is_limited = tenant_key and tonumber(limit) > 0 and not old_revision
if is_limited and redis.call('ZCARD', tenant_key) >= tonumber(limit) then return 'full' end
redis.call('HDEL', key, 'waiting', 'due', 'next_at')
redis.call('HSET', key, 'plan', plan, 'revision', revision, 'source', source)
if due ~= '' then redis.call('HSET', key, 'due', due) end
set_fire_time(name, (paused or due == '') and '+inf' or fire_at)
return old_revision and 'changed' or 'created'
