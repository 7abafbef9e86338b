-- Adds lines to the logs of jobs that have a record. ARGV: name of the batch, then of each job its id and its lines
-- -> to how many jobs
local batch, count = ARGV[1], 0
for i = 2, #ARGV, 2 do
  if redis.call('EXISTS', job_key(ARGV[i])) == 1 then
    append_log(ARGV[i], ARGV[i + 1], batch)
    count = count + 1
  end
end
return count
