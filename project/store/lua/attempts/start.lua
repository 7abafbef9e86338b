-- Begins an attempt, unless its message is out of date.
-- ARGV: id, retries (failed attempts before), token, rerun_id of the message ('' = none), whether the message is acknowledged
-- before the job runs (1 | 0)
-- -> 'started' | 'started again' (an attempt was interrupted before) | 'refused' | 'limited' (a limit holds the message now) | 'ended' (only the aftermath is left) | 'busy' (a live worker runs it, or this worker runs another
--    suspect) | 'unknown' (no record)
local id, retries, token, rerun_id, is_early = unpack(ARGV)
local state, begun = start_attempt(id, tonumber(retries), token, rerun_id, now(), uses_other_broker)
if state == 'started' and is_early == '1' then redis.call('HSET', job_key(id), 'early', 1) end
return begun and begun.interruptions and 'started again' or state
