-- Notes that a key without a tenant has ordered jobs, so that its quota counts those that wait. ARGV: who ordered, ids -> 1
even_if_full()
for i = 2, #ARGV do
  local job = load_job(ARGV[i])
  if job and not job.ordered_by then
    job.ordered_by = ARGV[1]
    redis.call('HSET', job.key, 'ordered_by', job.ordered_by)
    note_waiting(job, job.status)
  end
end
return 1
