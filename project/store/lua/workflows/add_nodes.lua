-- Adds nodes that wait for no other to a batch. ARGV: id, whether it is closed then (1 | 0), the job of the batch that adds them
-- ('' = somebody else: the batch must be open), then of each node its name, its job and what its failure does
-- -> how many are new; -1: there is no such batch, -2: it is closed, or has ended; -3: it would have more than 100,000 nodes
local MAX_NODES = 100000
local workflow, at, closes, adder = load_workflow(ARGV[1]), now(), ARGV[2] == '1', ARGV[3]
local key = workflow.key
local status, is_open, total = unpack(redis.call('HMGET', key, 'status', 'open', 'total'))
if not status then return -1 end
if status ~= 'running' or not is_open and (adder == '' or redis.call('SISMEMBER', key .. ':active', adder) == 0) then
  -- a repetition after a lost answer adds nothing, and is answered as the first time
  if status == 'running' and ARGV[4] and redis.call('HEXISTS', key .. ':graph', ARGV[4]) == 1 then return 0 end
  return -2
end
if total + (#ARGV - 3) / 3 > MAX_NODES then return -3 end
local added = 0
for i = 4, #ARGV, 3 do
  local node, job, how = unpack(ARGV, i, i + 2)
  if redis.call('HSETNX', key .. ':graph', node, how) == 1 then
    added = added + 1
    redis.call('HSET', key .. ':jobs', node, job)
    redis.call('HSET', key .. ':left', node, 0)
    redis.call('RPUSH', key .. ':order', node)
    redis.call('RPUSH', key .. ':ready', node)
  end
end
redis.call('HINCRBY', key, 'total', added)
redis.call('HSET', key, 'updated_at', at)
if closes then redis.call('HDEL', key, 'open') end
start_ready_nodes(workflow, at, NODE_BATCH)
end_if_over(workflow, at)
return added
