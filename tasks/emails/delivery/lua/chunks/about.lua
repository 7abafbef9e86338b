-- Read the state of the uploads.
-- ARGV: mailing
-- Returns: { when it was started after its uploads or nil, number of uploaded chunks or nil }
return redis.call('HMGET', about_key(ARGV[1]), 'started', 'uploads')
