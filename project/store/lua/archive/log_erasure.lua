-- Keeps an account of an erasure. ARGV: account (JSON), how many are kept
redis.call('LPUSH', ERASURES, ARGV[1])
redis.call('LTRIM', ERASURES, 0, ARGV[2] - 1)
return 1
