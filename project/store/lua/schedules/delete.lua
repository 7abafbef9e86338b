-- Deletes a schedule; its jobs stay. ARGV: name, expected (see put), source of the caller
-- -> 'deleted' | 'unknown' | 'conflict' | 'foreign'
local name, expected, source = unpack(ARGV)
local key = schedule_key(name)
local revision, old_source = unpack(redis.call('HMGET', key, 'revision', 'source'))
if not revision then return 'unknown' end
if expected ~= '' and expected ~= revision then return 'conflict' end
if (old_source == 'code') ~= (source == 'code') then return 'foreign' end
redis.call('DEL', key, schedule_history_key(name))
redis.call('ZREM', SCHEDULES, name)
if tenant_schedules_key(name) then redis.call('ZREM', tenant_schedules_key(name), name) end
return 'deleted'
