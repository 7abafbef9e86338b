-- -> the ids of all workers with a lease, also with one that has ended
return redis.call('ZRANGE', WORKERS, 0, -1)
