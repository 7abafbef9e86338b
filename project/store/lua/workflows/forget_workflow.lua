-- Deletes a workflow that has ended; the records of its jobs stay. ARGV: id -> 1, or 0 when it has not ended, or there is none
local status = redis.call('HGET', workflow_key(ARGV[1]), 'status')
if not status or status == 'running' then return 0 end
forget_workflow(ARGV[1])
return 1
