-- How far a running attempt is. ARGV: id, token, progress (JSON) -> verdict
local id, token, progress = unpack(ARGV)
local job = load(id)
local may = verdict(job, token, 'running')
if may == 'go' then
  redis.call('HSET', job.key, 'progress', progress)
  note(id, job.label, job.status, job.attempts, 'progress', progress)
end
return may
