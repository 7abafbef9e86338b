-- A record, and while it is pending its place in its queue and when it will start and end, as far as that is known.
-- ARGV: id, then the names of the fields wanted: kind, status ..., created_at the seventh. -> their values in that order;
-- of a pending job then its place ('' = it is on no list), start and end in seconds since the epoch ('' = nobody knows)
local key = KEYS[1] .. 'job:' .. ARGV[1]
local answer = redis.call('HMGET', key, unpack(ARGV, 2))
if answer[2] ~= 'pending' then return answer end
-- shared
local own, created_at = shelf_of(answer[1]), answer[7]
local queue = queue_on(own)
local ahead, running, work = 0, 0, 0

local function answer_with(position, starts_at, ends_at)
  answer[#answer + 1] = position
  answer[#answer + 1] = starts_at
  answer[#answer + 1] = ends_at
  return answer
end

-- Jobs of a shelf that were ordered before this one, and the work they are; half of it for those that run.
local function add(shelf)
  local before = redis.call('ZCOUNT', index_key(shelf, 'pending'), '-inf', '(' .. created_at)
  local at_it = redis.call('ZCARD', index_key(shelf, 'running'))
  if before + at_it == 0 then return end
  local seconds = tonumber(redis.call('HGET', PACE, 'run:' .. shelf) or 0)
  ahead, running, work = ahead + before, running + at_it, work + (before + at_it / 2) * seconds
end

-- Some of those before it wait for their time: on the lists there are not so many.
local function place()
  if ahead == 0 then return 0 end
  local waiting = 0
  for _, list in ipairs(lists_of(queue)) do waiting = waiting + redis.call('LLEN', list) end
  return math.min(ahead, math.max(waiting - 1, 0))
end

if elsewhere or redis.call('HEXISTS', key, 'queue') == 1 then return answer_with('', '', '') end
for _, shelf in ipairs(redis.call('SMEMBERS', SHELVES)) do
  if queue_on(shelf) == queue then add(shelf) end
end
local position = place()
local seconds, slots = unpack(redis.call('HMGET', PACE, 'run:' .. own, 'slots:' .. queue))
if not (seconds and slots and is_open(queue)) then return answer_with(position, '', '') end
local before = position + running
local starts_at = now() + (before < tonumber(slots) and 0 or work * before / (ahead + running) / slots)
return answer_with(position, string.format('%.3f', starts_at), string.format('%.3f', starts_at + seconds))
