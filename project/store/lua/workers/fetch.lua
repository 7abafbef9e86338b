-- Gives messages to a worker and acknowledges others, in one step: a message is never nowhere.
-- ARGV: request (JSON: worker, serial (that of the first message), limit, done (serials to acknowledge), lists)
-- -> of each message its list and its text; they get the serials from the first on
even_if_full()
local request = cjson.decode(ARGV[1])
local worker, serial, limit, done = request.worker, request.serial, request.limit, request.done
local unacked, taken = unacked_key(worker), {}
for _, each in ipairs(done) do acknowledge(worker, each) end
-- A worker that signed off or lost its lease takes no more: nobody would requeue those messages.
if not redis.call('ZSCORE', WORKERS, worker) then return taken end
local function add(list, message)
  redis.call('HSET', unacked, string.format('%d', serial), list .. '\n' .. message)
  serial = serial + 1
  taken[#taken + 1] = list
  taken[#taken + 1] = message
end

-- Both take from a list while there is room. -> whether there may be more
local function take(list)
  for _, message in ipairs(redis.call('RPOP', list, limit - #taken / 2) or {}) do add(list, message) end
  return #taken / 2 == limit and redis.call('LLEN', list) > 0
end

local function take_by_turns(first)
  local list, message, has_more
  repeat
    list, message, has_more = pop_next(first)
    if message then add(list, message) end
  until not message or #taken / 2 == limit
  return has_more
end

local is_plain = redis.call('EXISTS', PAUSED, LANED, LIMITS_BY) == 0
if not is_plain then look_at_gates(now(), 4) end
for _, first in ipairs(request.lists) do
  if #taken / 2 < limit and (is_plain and take or take_by_turns)(first) then wake_worker(first) end
end
return taken
