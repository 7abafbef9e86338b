-- End the erasure of a recipient: forget its mailings.
-- ARGV: recipient
-- Returns: 1, or 0 when none were known
return redis.call('DEL', history_key(ARGV[1]))
