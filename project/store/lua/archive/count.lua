-- How many ended jobs wait for the archiver.
return redis.call('ZCARD', UNARCHIVED)
