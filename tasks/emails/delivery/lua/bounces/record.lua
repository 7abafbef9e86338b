-- Record a bounce or a complaint about a recipient. It is suppressed at once, or after several soft bounces.
-- ARGV: recipient, reason for the suppression list, then of a soft bounce (else ''): its id, how many suppress, within how
-- many seconds
-- Returns: 'suppressed' | 'counted' | 'known' (it is suppressed, or this soft bounce was counted before)
even_if_full()
local recipient, reason, id, limit, seconds = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local key, at = soft_bounces_key(recipient), tonumber(now())
if is_suppressed(recipient) then return 'known' end
if id ~= '' then
  redis.call('ZREMRANGEBYSCORE', key, '-inf', at - seconds)
  if redis.call('ZADD', key, 'NX', at, id) == 0 then return 'known' end
  redis.call('EXPIRE', key, seconds)
  if redis.call('ZCARD', key) < limit then return 'counted' end
end
redis.call('DEL', key)
suppress(recipient, reason)
return 'suppressed'
