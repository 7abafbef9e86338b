-- Sends a signal to a job. The first of a name counts; one that comes before its wait is kept. A wait ends with a signal or with
-- its time, whichever is first by the clock of Redis.
-- ARGV: id, name, the signal (JSON) -> 'sent' (the job goes on) | 'kept' | 'repeated' (the same came before) | 'other' (another
-- of this name did) | 'late' (the time of the wait is over) | 'final' (the job has ended) | 'many' (too many are kept) | 'unknown'
local job = load_job(ARGV[1])
return job and send_signal(job, ARGV[2], ARGV[3], now()) or 'unknown'
