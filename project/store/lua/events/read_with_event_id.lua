-- A record and the last event that it includes. ARGV: id, then names of fields
-- -> the id of the event ('0-0': none), then the values of the fields in their order
return { last_event_id(), unpack(redis.call('HMGET', job_key(ARGV[1]), unpack(ARGV, 2))) }
