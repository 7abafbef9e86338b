-- One suppressed address. ARGV: folded address -> reason, space, since when; nil when it is none
return redis.call('HGET', SUPPRESSED, ARGV[1])
