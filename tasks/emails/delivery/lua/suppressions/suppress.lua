-- Addresses that are to get no mail any more. ARGV: reason, then folded addresses -> how many are new
local reason, at, added = ARGV[1], now(), 0
for i = 2, #ARGV do added = added + redis.call('HSETNX', SUPPRESSED, ARGV[i], reason .. ' ' .. at) end
return added
