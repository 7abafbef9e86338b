-- Seconds that a suspect waits: a random number, so that suspects do not run side by side again.
local function random_delay(at)
  math.randomseed(tonumber(at:match('%.(%d+)')))
  return 0.5 + math.random() * 2.5
end

-- Whether the worker runs another job that has died before: a worker runs one such job at a time.
local function runs_other_suspect(worker, id)
  local suspect = redis.call('HGET', worker_key(worker), 'suspect')
  local job = suspect and suspect ~= id and load_job(suspect)
  return job and job.status == 'running' and worker_of(job.token) == worker
end

-- Whether a waiting job is past the attempt that a message is for.
local function is_past_attempt(job, retries)
  return job.status ~= 'running' and type(retries) == 'number' and retries ~= job.attempts
end

-- An entry of an unacked hash -> its Redis list, its message, the headers of the message (empty if it is unreadable)
local function split_entry(entry)
  local list, message = entry:match('^(.-)\n(.*)$')
  local is_json, content = pcall(cjson.decode, message)
  local headers = is_json and type(content) == 'table' and type(content.headers) == 'table' and content.headers or {}
  return list, message, headers
end

-- The job of a message, if it waits for this very message; else nil.
local function load_waiting_job(list, message)
  local _, _, headers = split_entry(list .. '\n' .. message)
  local job = type(headers.id) == 'string' and load_job(headers.id)
  if not job or FINAL[job.status] or job.status == 'running' or job.message_list then return nil end
  local rerun_id = type(headers.revival) == 'string' and headers.revival or ''
  if is_outdated(job, rerun_id) or is_past_attempt(job, headers.retries) then return nil end
  return job
end

-- Whether a job runs for this very message of a worker.
local function runs_for(job, worker, serial)
  return job and job.status == 'running' and job.token == worker .. '#' .. serial
end

-- Puts a message of a worker back on the front of its list and interrupts the attempt that runs for it.
-- -> 'returned' | 'dropped' (the job does not need it any more) | 'poison'
local function requeue_entry(worker, serial, entry, cause, weight)
  local list, message, headers = split_entry(entry)
  local job = headers.id and load_job(headers.id)
  if job and FINAL[job.status] and redis.call('HEXISTS', job.key, 'aftermath') == 1 then
    push_message(nil, list, message, true)
    return 'returned'
  end
  if job and (FINAL[job.status] or is_past_attempt(job, headers.retries)) then return 'dropped' end
  if runs_for(job, worker, serial) then
    local at = now()
    local result, is_suspect = interrupt_attempt(job, at, cause, weight or 1)
    if result ~= 'returned' then return result end
    if is_suspect then
      schedule(job, string.format('%.6f', tonumber(at) + random_delay(at)), list, message)
      return result
    end
  end
  push_message(nil, list, message, true)
  return 'returned'
end

-- Requeues one unacked message of a worker. The message leaves the worker last; after an error it goes back unchanged.
local function requeue_unacked(worker, serial, cause, weight)
  local entry = redis.call('HGET', unacked_key(worker), serial)
  if not entry then return 'dropped' end
  local is_done, result = pcall(requeue_entry, worker, serial, entry, cause, weight)
  if not is_done then
    local list, message = entry:match('^(.-)\n(.*)$')
    push_message(nil, list, message, true)
    result = 'returned'
  end
  redis.call('HDEL', unacked_key(worker), serial)
  return result
end

-- Acknowledges a message of a worker. The end of its job has been stored before. When Redis has lost that since, the job waits
-- or runs for this message, maybe its only one, and gets it back. -> 1, or 0: the worker does not hold it
local function acknowledge(worker, serial) -- rarely
  local entry = redis.call('HGET', unacked_key(worker), serial)
  if not entry then return 0 end
  local list, message, headers = split_entry(entry)
  local is_read, job = pcall(load_job, headers.id)
  local is_needed = is_read and runs_for(job, worker, serial) and redis.call('HEXISTS', job.key, 'early') == 0
  if is_needed or is_read and load_waiting_job(list, message) then requeue_unacked(worker, serial, '') end
  redis.call('HDEL', unacked_key(worker), serial)
  return 1
end

-- How much of a death the job of each serial gets, when all of these ran: an eighth if its process ran several, else a half
-- if others ran beside it, else a whole one.
local function weigh_deaths(serials)
  local running, weights = {}, {}
  for _, serial in ipairs(serials) do
    local process = serial:match('^p%d+%.') or serial
    running[process] = (running[process] or 0) + 1
  end
  for _, serial in ipairs(serials) do
    local is_shared = running[serial:match('^p%d+%.') or serial] > 1
    weights[serial] = is_shared and 0.125 or #serials > 1 and 0.5 or 1
  end
  return weights
end

-- Requeues all unacked messages of a worker. -> how many messages, how many of them poison
local function requeue_all_unacked(worker, cause)
  local unacked, running, returned, poison = redis.call('HGETALL', unacked_key(worker)), {}, 0, 0
  for i = 1, #unacked, 2 do
    local _, _, headers = split_entry(unacked[i + 1])
    local is_loaded, job = pcall(load_job, headers.id)
    if is_loaded and runs_for(job, worker, unacked[i]) then running[#running + 1] = unacked[i] end
  end
  local weights = weigh_deaths(running)
  for i = 1, #unacked, 2 do
    local result = requeue_unacked(worker, unacked[i], cause, weights[unacked[i]])
    if result ~= 'dropped' then returned = returned + 1 end
    if result == 'poison' then poison = poison + 1 end
  end
  return returned, poison
end
