-- After a lost connection a worker gives back what it holds and does not run. What its pool processes have taken by
-- themselves (their serials begin with p) they run. ARGV: worker, serials it runs ...
-- -> how many went back
even_if_full()
local worker, keep, count = ARGV[1], {}, 0
for i = 2, #ARGV do keep[ARGV[i]] = true end
for _, serial in ipairs(redis.call('HKEYS', unacked_key(worker))) do
  if not keep[serial] and serial:sub(1, 1) ~= 'p' and give_back_held(worker, serial, '') == 'returned' then count = count + 1 end
end
return count
