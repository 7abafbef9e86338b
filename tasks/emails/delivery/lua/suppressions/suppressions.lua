-- A page of the suppressed addresses, in no order. ARGV: cursor ('0' at first), about how many
-- -> next cursor ('0' = that was all), how many there are, addresses and reasons in turn
local found = redis.call('HSCAN', SUPPRESSED, ARGV[1], 'COUNT', ARGV[2])
return { found[1], redis.call('HLEN', SUPPRESSED), found[2] }
