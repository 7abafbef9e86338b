-- Ends a worker in good order; what it still holds goes back, uncounted. ARGV: worker -> how many messages went back
even_if_full()
local worker = ARGV[1]
local returned = requeue_all_unacked(worker, '')
redis.call('ZREM', WORKERS, worker)
redis.call('DEL', worker_key(worker), report_key(worker), cancel_requests_key(worker))
return returned
