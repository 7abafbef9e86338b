-- Add addresses to the suppression list; an address on the list keeps its reason.
-- ARGV: reason, then addresses
-- Returns: the number of new addresses
local reason, at, added = ARGV[1], now(), 0
for i = 2, #ARGV do added = added + redis.call('HSETNX', SUPPRESSED, ARGV[i], reason .. ' ' .. at) end
return added
