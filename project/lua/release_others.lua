-- After a lost connection a worker gives back what it holds and does not run. ARGV: worker, serials it runs ...
-- -> how many went back
even_if_full()
local worker, keep, count = ARGV[1], {}, 0
for i = 2, #ARGV do keep[ARGV[i]] = true end
for _, serial in ipairs(redis.call('HKEYS', unacked_key(worker))) do
  if not keep[serial] and give_back_held(worker, serial, '') == 'returned' then count = count + 1 end
end
return count
