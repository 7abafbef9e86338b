-- A record, and the last event that it knows of. ARGV: id, then the names of the fields wanted.
-- -> the event's id ('0-0': there is none), then the fields' values in that order
return { last_event(), unpack(redis.call('HMGET', job_key(ARGV[1]), unpack(ARGV, 2))) }
