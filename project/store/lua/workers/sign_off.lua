-- A worker ends in good order; what it still holds goes back, nobody's fault. ARGV: worker id -> messages given back
even_if_full()
local worker = ARGV[1]
local returned = give_back_all(worker, '')
redis.call('ZREM', WORKERS, worker)
redis.call('DEL', worker_key(worker), cancelling_key(worker))
return returned
