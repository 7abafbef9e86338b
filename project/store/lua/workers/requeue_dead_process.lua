-- A pool process has died: what it had taken by itself goes back. ARGV: worker, how its serials begin, cause
-- -> how many of them are to run again
even_if_full()
local worker, begins, cause, count = ARGV[1], ARGV[2], ARGV[3], 0
for _, serial in ipairs(redis.call('HKEYS', unacked_key(worker))) do
  local is_its = serial:sub(1, #begins) == begins
  if is_its and give_back_held(worker, serial, cause) == 'returned' then count = count + 1 end
end
return count
