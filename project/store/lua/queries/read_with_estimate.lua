-- A record; of a pending job also its place in its queue and when it will start and end, as far as that is known.
-- ARGV: id, then names of fields: the first three are status, kind and queue, the seventh is created_at
-- -> their values in that order; of a pending job then its place in its lane ('' = it is on no list), its start and its end in
-- seconds since the epoch ('' = unknown), and the limit that holds its lane back now ('' = none)
local key = KEYS[1] .. 'job:' .. ARGV[1]
local answer = redis.call('HMGET', key, unpack(ARGV, 2))
if answer[1] ~= 'pending' then return answer end
-- shared
local queue, created_at = answer[3], answer[7]
local own = kind_queue_of(answer[2], queue)
local ahead, ahead_in_lane, running, work = 0, 0, 0, 0

local lane, beside, tenant = unpack(redis.call('HMGET', key, 'lane', 'beside', 'tenant'))
local is_lane_of_tenant = tenant and lane == tenant
if beside and redis.call('HEXISTS', closed_key(queue), beside) == 1 then lane = beside end
lane = lane or ''

local function answer_with(position, starts_at, ends_at)
  answer[#answer + 1] = position
  answer[#answer + 1] = starts_at
  answer[#answer + 1] = ends_at
  answer[#answer + 1] = (limit_of(redis.call('HGET', closed_key(queue), lane) or ''):gsub('^%-', ''))
  return answer
end

-- Adds the jobs that were ordered before this one and the seconds that they take; of a running job half of its seconds.
local function add(kind_queue)
  local before = redis.call('ZCOUNT', index_key(kind_queue, 'pending'), '-inf', '(' .. created_at)
  local in_lane_before = before
  if is_lane_of_tenant and before > 0 then
    in_lane_before = redis.call('ZCOUNT', tenant_index_key(tenant, kind_queue, 'pending'), '-inf', '(' .. created_at)
  end
  ahead_in_lane = ahead_in_lane + in_lane_before
  local at_work = redis.call('ZCARD', index_key(kind_queue, 'running'))
  if before + at_work == 0 then return end
  local seconds = tonumber(redis.call('HGET', DURATIONS, 'run:' .. kind_queue) or 0)
  ahead, running, work = ahead + before, running + at_work, work + (before + at_work / 2) * seconds
end

-- Some jobs before this one wait for their time, or in other lanes, so there may be fewer on the lists. Of a lane that is
-- that of a tenant it is known how many of its jobs came before.
local function place()
  if ahead_in_lane == 0 then return 0 end
  local waiting = 0
  for _, list in ipairs(lists_of(queue, lane)) do waiting = waiting + redis.call('LLEN', list) end
  return math.min(ahead_in_lane, math.max(waiting - 1, 0))
end

if uses_other_broker or redis.call('HEXISTS', key, 'message_list') == 1 then return answer_with('', '', '') end
for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
  local _, its_queue = split_kind_queue(kind_queue)
  if its_queue == queue then add(kind_queue) end
end
local position = place()
local seconds, slots = unpack(redis.call('HMGET', DURATIONS, 'run:' .. own, 'slots:' .. queue))
local is_held = redis.call('HEXISTS', closed_key(queue), lane) == 1
if not (seconds and slots and is_open(queue)) or is_held then return answer_with(position, '', '') end
local lanes = math.max(redis.call('ZCARD', lanes_key(queue)), 1)
local before = math.min(ahead, position * lanes) + running
local starts_at = now() + (before < tonumber(slots) and 0 or work * before / (ahead + running) / slots)
return answer_with(position, string.format('%.3f', starts_at), string.format('%.3f', starts_at + seconds))
