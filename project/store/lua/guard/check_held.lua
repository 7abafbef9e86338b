-- Finds messages that a worker holds for claims of its processes that are over, and gives them back.
-- ARGV: worker, whether they are given back (1 | 0) -> of each whose job waits: its id, what is wrong, 'requeued'
even_if_full()
local worker, mends, answer = ARGV[1], ARGV[2] == '1', {}
local report = load_report(worker)
if not report then return answer end
for _, serial in ipairs(redis.call('HKEYS', unacked_key(worker))) do
  if is_claim_over(report, serial) then
    local list, message = redis.call('HGET', unacked_key(worker), serial):match('^(.-)\n(.*)$')
    local is_read, job = pcall(load_waiting_job, list, message)
    if is_read and job then
      answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = job.id, 'its worker holds its message and forgot it', 'requeued'
      if mends then add_to_counter(job.kind_queue, 'mended:requeued', 1) end
    end
    if mends then requeue_unacked(worker, serial, '') end
  end
end
return answer
