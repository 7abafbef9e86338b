-- Waiting jobs of which no message is on the record, oldest first: it must be on a list, or with a worker. A job that was
-- replaced ('awaits') has no message until the job with its id comes.
-- ARGV: kind@queue, status, offset, limit, seconds since the record changed, at least
-- -> the next offset ('' = that was the end), then of each job its id, when it changed, and the lists on which
-- its message may be: the first of those of its lane, and of the lane beside that ('' = none)
local kind_queue, status, offset, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local cutoff = tonumber(now()) - ARGV[5]
local ids = redis.call('ZRANGE', index_key(kind_queue, status), offset, offset + limit - 1)
local answer = { #ids == limit and offset + limit or '' }
-- JSON writes some characters in several ways: jobs with such an id are not looked for.
local function is_plain(id) return not id:find('["\\/\127-\255%c]') end

if #ids == 0 then return answer end
local scheduled, unsent = redis.call('ZMSCORE', SCHEDULED, unpack(ids)), redis.call('ZMSCORE', UNSENT, unpack(ids))
-- Whether the message is on the record and will be sent; asked first, since most jobs that wait for long are such.
local function is_kept(i, id)
  return (scheduled[i] or unsent[i]) and redis.call('HEXISTS', job_key(id), 'message_list') == 1
end

local function must_have_message(job)
  local is_elsewhere = uses_other_broker and not job.message_list
  local awaits = redis.call('HEXISTS', job.key, 'awaits') == 1
  return is_plain(job.id) and not is_elsewhere and not awaits and tonumber(job.updated_at) < cutoff
end

for i, id in ipairs(ids) do
  local job = not is_kept(i, id) and load_job(id)
  if job and must_have_message(job) then
    local beside = redis.call('HGET', job.key, 'beside')
    answer[#answer + 1], answer[#answer + 2] = id, job.updated_at
    answer[#answer + 1], answer[#answer + 2] = in_lane(job.queue, job.lane), beside and in_lane(job.queue, beside) or ''
  end
end
return answer
