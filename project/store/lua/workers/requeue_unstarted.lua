-- Requeues what a worker holds and does not run, after it lost its connection. Its pool processes run what they took
-- themselves (serials that begin with p). ARGV: worker, serials that it runs ... -> how many messages went back
even_if_full()
local worker, kept, count = ARGV[1], {}, 0
for i = 2, #ARGV do kept[ARGV[i]] = true end
for _, serial in ipairs(redis.call('HKEYS', unacked_key(worker))) do
  local is_kept = kept[serial] or serial:sub(1, 1) == 'p'
  if not is_kept and requeue_unacked(worker, serial, '') == 'returned' then count = count + 1 end
end
return count
