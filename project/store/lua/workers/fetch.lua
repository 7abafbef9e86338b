-- Messages pass from their lists into a worker's hands, and those it is done with leave them: one step, so that no
-- message is ever nowhere. ARGV: worker, first serial, most, number of serials done with, those serials ..., lists ...
-- -> per message its list and its text; they get the serials from the first on.
local worker, serial, most, done = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local held, taken = unacked_key(worker), {}
if done > 0 then redis.call('HDEL', held, unpack(ARGV, 5, 4 + done)) end
-- One that has left, or whose jobs were given away, takes no more: nobody would give those back.
if not redis.call('ZSCORE', WORKERS, worker) then return taken end
local function take(list)
  local messages = most > #taken / 2 and redis.call('RPOP', list, most - #taken / 2) or {}
  for _, message in ipairs(messages or {}) do
    redis.call('HSET', held, string.format('%d', serial), list .. '\n' .. message)
    serial = serial + 1
    taken[#taken + 1] = list
    taken[#taken + 1] = message
  end
  if #taken / 2 >= most and redis.call('LLEN', list) > 0 then ring(list) end
end

local all_open = redis.call('EXISTS', PAUSED) == 0
for i = 5 + done, #ARGV do
  if all_open or is_open(ARGV[i]) then take(ARGV[i]) end
end
return taken
