-- Replace the rows of an uploaded chunk, or the order of a mailing, unless they have changed meanwhile.
-- ARGV: mailing, chunk ('' = the order), the old text, the new one
-- Returns: 1, or 0 when the text is another one
even_if_full()
local mailing, chunk, old, new = unpack(ARGV)
local key, field = rows_key(mailing), chunk
if chunk == '' then key, field = job_key(mailing), 'payload' end
if redis.call('HGET', key, field) ~= old then return 0 end
redis.call('HSET', key, field, new)
return 1
