-- Finds running jobs that nobody runs, and mends them: those whose message is left run again, uncounted; the others fail.
-- ARGV: kind@queue, offset, limit, whether they are mended (1 | 0)
-- -> the next offset ('' = that was the end), then of each broken job its id, what is wrong, and 'requeued' | 'failed'
even_if_full()
local kind_queue, offset, limit, mends = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4] == '1'
local at, reports = now(), {}

local function report_of(worker)
  if reports[worker] == nil then reports[worker] = load_report(worker) or false end
  return reports[worker]
end

-- Whether a live worker may run the job. It had begun before the report was made, so the report must have it.
local function may_run(report, serial, started_at)
  return report.running[serial] or started_at >= report.as_of or is_claim_over(report, serial) == false
end

local function find_fault(job)
  if not job then return nil end
  local worker = worker_of(job.token)
  if not worker then return 'it runs and has no worker' end
  if not redis.call('ZSCORE', WORKERS, worker) then return 'its worker is gone' end
  local report = report_of(worker)
  if not report or may_run(report, job.token:sub(#worker + 2), tonumber(job.started_at)) then return nil end
  return 'its worker does not run it'
end

local function mend(job, fault)
  local worker = worker_of(job.token) or ''
  local serial = job.token and job.token:sub(#worker + 2) or ''
  if redis.call('HEXISTS', job.key, 'early') == 1 then -- its message was acknowledged before it ran
    if mends then fail_as_lost(job, at, fault) end
    return 'failed'
  end
  local has_message = job.message_list or redis.call('HEXISTS', unacked_key(worker), serial) == 1
  if has_message and redis.call('HEXISTS', unacked_key(worker), serial) == 1 then
    if mends then requeue_unacked(worker, serial, '') end
  elseif has_message then
    if mends then interrupt_attempt(job, at, '', 1) end
  elseif mends then
    fail_as_broken(job, at, fault)
  end
  return has_message and 'requeued' or 'failed'
end

-- RabbitMQ delivers a message again that was not acknowledged.
local function is_delivered_again(job)
  return uses_other_broker and not job.message_list and redis.call('HEXISTS', job.key, 'early') == 0
end

local ids = redis.call('ZRANGE', index_key(kind_queue, 'running'), offset, offset + limit - 1)
local answer, mended = { '' }, 0
for _, id in ipairs(ids) do
  local job = load_job(id)
  local fault = find_fault(job)
  if fault and not is_delivered_again(job) then
    local how = mend(job, fault)
    if mends then add_to_counter(job.kind_queue, 'mended:' .. how, 1) end
    answer[#answer + 1], answer[#answer + 2], answer[#answer + 3] = id, fault, how
    mended = mended + 1
  end
end
if #ids == limit then answer[1] = offset + limit - (mends and mended or 0) end
return answer
