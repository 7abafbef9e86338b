-- Reads the clock by which due times, leases and expiry are judged.
-- ARGV: id -> now, when the record of the job was made (nil = there is none); in seconds since the epoch
return { now(), redis.call('HGET', job_key(ARGV[1]), 'created_at') }
