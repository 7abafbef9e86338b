-- Begin to erase a recipient: from now on it is suppressed by its hash only.
-- ARGV: recipient
-- Returns: the mailings that are known to have it
even_if_full()
local recipient = ARGV[1]
redis.call('HDEL', SUPPRESSED, recipient)
redis.call('DEL', soft_bounces_key(recipient))
redis.call('HSETNX', ERASED, redis.sha1hex(recipient), 'erased ' .. now())
return redis.call('ZRANGE', history_key(recipient), 0, -1)
