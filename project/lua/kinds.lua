-- -> every kind that has a record
return redis.call('SMEMBERS', KINDS)
