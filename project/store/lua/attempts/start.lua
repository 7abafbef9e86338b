-- Begins an attempt, unless its message is out of date.
-- ARGV: id, retries (failed attempts before), token, rerun_id of the message ('' = none)
-- -> 'started' | 'refused' | 'ended' (only the aftermath is left) | 'busy' (a live worker runs it, or this worker runs another suspect) | 'unknown' (no record)
local id, retries, token, rerun_id = unpack(ARGV)
return (start_attempt(id, tonumber(retries), token, rerun_id, now()))
