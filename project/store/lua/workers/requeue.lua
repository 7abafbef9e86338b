-- Requeues messages of a worker; nothing died. ARGV: worker, serials ... -> of each 'returned' | 'dropped'
even_if_full()
local worker, results = ARGV[1], {}
for i = 2, #ARGV do results[#results + 1] = requeue_unacked(worker, ARGV[i], '') end
return results
