-- The sums of all counters now, then the saved ones, newest first. ARGV: limit
local snapshots = redis.call('LRANGE', HISTORY, 0, ARGV[1] - 1)
table.insert(snapshots, 1, sum_counters(now()))
return snapshots
