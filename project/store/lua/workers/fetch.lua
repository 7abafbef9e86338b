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
local function take(list)
  local messages = limit > #taken / 2 and redis.call('RPOP', list, limit - #taken / 2) or {}
  for _, message in ipairs(messages or {}) do
    redis.call('HSET', unacked, string.format('%d', serial), list .. '\n' .. message)
    serial = serial + 1
    taken[#taken + 1] = list
    taken[#taken + 1] = message
  end
  if #taken / 2 >= limit and redis.call('LLEN', list) > 0 then wake_worker(list) end
end

local all_open = redis.call('EXISTS', PAUSED) == 0
for _, list in ipairs(request.lists) do
  if all_open or is_open(list) then take(list) end
end
return taken
