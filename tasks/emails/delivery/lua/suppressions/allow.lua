-- An address may get mail again. ARGV: folded address -> 1, or 0: it was not suppressed
return redis.call('HDEL', SUPPRESSED, ARGV[1])
