-- Acknowledges messages. ARGV: worker, serials ... -> how many the worker held
even_if_full()
local worker, count = ARGV[1], 0
for i = 2, #ARGV do count = count + acknowledge(worker, ARGV[i]) end
return count
