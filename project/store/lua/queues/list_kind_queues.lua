-- -> every shelf that has ever had a record
return redis.call('SMEMBERS', SHELVES)
