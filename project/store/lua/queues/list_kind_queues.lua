-- -> every kind@queue that ever had a record
return redis.call('SMEMBERS', KIND_QUEUES)
