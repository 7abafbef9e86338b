-- Read a page of the suppression list, in no order.
-- ARGV: cursor ('0' at first), about how many entries
-- Returns: { next cursor ('0' = the last page), size of the list, addresses and entries in turn }
local page = redis.call('HSCAN', SUPPRESSED, ARGV[1], 'COUNT', ARGV[2])
return { page[1], redis.call('HLEN', SUPPRESSED), page[2] }
