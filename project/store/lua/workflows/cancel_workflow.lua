-- Cancels a workflow that has not ended: no node starts any more, and some of the jobs that have not ended are cancelled.
-- ARGV: id, at most so many jobs -> 'final' | 'unknown' | 'more' (there are more jobs to cancel) | 'done' (those that run end soon)
even_if_full()
local workflow, at = load_workflow(ARGV[1]), now()
local status = redis.call('HGET', workflow.key, 'status')
if not status then return 'unknown' end
if status ~= 'running' then return 'final' end
redis.call('HSET', workflow.key, 'stopped', 'cancel', 'cancel', 'somebody wanted it')
local has_more = cancel_nodes(workflow, at, tonumber(ARGV[2]))
if has_more then redis.call('ZADD', OPEN_WORKFLOWS, at, workflow.id) end
return has_more and 'more' or 'done'
