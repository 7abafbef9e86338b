-- Pause or resume a mailing. A job that waits between two slices is due at once when its mailing is resumed.
-- ARGV: mailing, '1' (pause) or '' (resume), seconds until expiry
-- Returns: 1, or 0 when the mailing is over
even_if_full()
local mailing, paused = ARGV[1], ARGV[2]
if is_over(mailing) then return 0 end
redis.call('HDEL', about_key(mailing), 'paused')
if paused == '1' then
  redis.call('HSET', about_key(mailing), 'paused', now())
  redis.call('EXPIRE', about_key(mailing), ARGV[3])
elseif redis.call('HEXISTS', about_key(mailing), 'began') == 1 and redis.call('ZSCORE', SCHEDULED, mailing) then
  redis.call('ZADD', SCHEDULED, 'XX', now(), mailing)
end
return 1
