-- The migration is complete. ARGV: version of the data from here on
redis.call('DEL', prefix .. 'kinds', prefix .. 'migrated_events')
redis.call('SET', VERSION, ARGV[1])
return 1
