-- Requeues what a dead pool process had taken itself. ARGV: worker, how the serials of the process begin, cause of its death
-- -> how many jobs run again
even_if_full()
local worker, begins, cause, count = ARGV[1], ARGV[2], ARGV[3], 0
for _, serial in ipairs(redis.call('HKEYS', unacked_key(worker))) do
  local is_its = serial:sub(1, #begins) == begins
  if is_its and requeue_unacked(worker, serial, cause) == 'returned' then count = count + 1 end
end
return count
