-- Sets a switch, and what its jobs have in common, see limits_of.
local function set_switch(switch)
  redis.call('HSET', LIMITS, switch.name, cjson.encode(switch))
  change_common(switch.common, switch.name, switch)
  redis.call('ZADD', SWITCHES, switch.until_at and not switch.tries and switch.until_at or '+inf', switch.name)
end

-- Removes a switch; what it holds back goes on, in its order.
local function drop_switch(name, at)
  local text = redis.call('HGET', LIMITS, name)
  if text then change_common(cjson.decode(text).common, name, nil) end
  redis.call('HDEL', LIMITS, name)
  redis.call('HDEL', SWEEPS, name)
  redis.call('ZREM', SWITCHES, name)
  redis.call('SREM', HELD_HOSTS, name)
  redis.call('ZADD', LIMIT_WAITS, 'XX', at, name)
end

-- Holds a host: no job of some kinds that calls it starts before a moment. wanted: host, kinds, holder
-- -> the switch, or nil when too many hosts are held
local function hold_host(wanted, at, until_at)
  local name = 'host:' .. wanted.host
  local text = redis.call('HGET', LIMITS, name)
  if not text and redis.call('SCARD', HELD_HOSTS) >= MAX_HELD_HOSTS then return nil end
  local switch = text and cjson.decode(text) or { name = name, common = name, kinds = wanted.kinds, action = 'hold', until_at = 0 }
  switch.until_at = math.max(switch.until_at, until_at)
  switch.revision = redis.call('INCR', prefix .. 'limits:revision')
  redis.call('SADD', HELD_HOSTS, name)
  set_switch(switch)
  return switch
end

-- Notes that a job waits for a host. -> the switch that the job waits for, or nil when it waits by itself
local function note_hold(job, wanted, at, until_at) -- rarely
  redis.call('HSETNX', job.key, 'held_since', at)
  local switch = not uses_other_broker and hold_host(wanted, at, until_at) or nil
  if switch then redis.call('HSET', job.key, 'held_by', switch.name) end
  return switch
end
