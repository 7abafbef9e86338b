-- Requeues what a dead pool process had taken itself. ARGV: worker, how the serials of the process begin, cause of its death
-- -> how many jobs run again
even_if_full()
local worker, begins, cause, count, serials = ARGV[1], ARGV[2], ARGV[3], 0, {}
for _, serial in ipairs(redis.call('HKEYS', unacked_key(worker))) do
  if serial:sub(1, #begins) == begins then serials[#serials + 1] = serial end
end
local weights = weigh_deaths(serials)
for _, serial in ipairs(serials) do
  if requeue_unacked(worker, serial, cause, weights[serial]) == 'returned' then count = count + 1 end
end
return count
