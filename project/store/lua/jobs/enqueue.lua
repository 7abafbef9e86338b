-- Makes records, puts them in their indexes and their messages on their lists; all of it or nothing.
-- ARGV: call_id (names this call, so that a repetition after a lost answer is recognised), jobs (JSON array), then of each
-- job its payload and its message. A job: see create_record; also list, if that is not named like its queue, and due
-- (seconds since the epoch), if not now.
-- -> for each job its created_at, or '' when the id is taken
return enqueue_jobs(ARGV[1], cjson.decode(ARGV[2]), ARGV, 3)
