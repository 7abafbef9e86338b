-- Seconds that a suspect waits, by chance another number for each, so that suspects do not run side by side again.
local function apart(at)
  math.randomseed(tonumber(at:match('%.(%d+)')))
  return 0.5 + math.random() * 2.5
end

-- Whether the worker is at another job that has died before: two such do not run side by side.
local function runs_other_suspect(worker, id)
  local suspect = redis.call('HGET', worker_key(worker), 'suspect')
  local job = suspect and suspect ~= id and load(suspect)
  return job and job.status == 'running' and worker_of(job.token) == worker
end

-- Whether a job that waits has gone past the attempt this message was for.
local function is_old(job, retries)
  return job.status ~= 'running' and type(retries) == 'number' and retries ~= job.attempts
end

local function split(entry)
  local list, message = entry:match('^(.-)\n(.*)$')
  local readable, content = pcall(cjson.decode, message)
  local headers = readable and type(content) == 'table' and type(content.headers) == 'table' and content.headers or {}
  return list, message, headers
end

-- Whether this very message in a worker's hands is the one that its job runs for.
local function runs_for(job, worker, serial)
  return job and job.status == 'running' and job.token == worker .. '#' .. serial
end

-- A message of a worker goes back to the front of its list; an attempt that had started there is interrupted.
-- -> 'returned' | 'dropped' (the job needs it no more) | 'poison'
local function give_back(worker, serial, entry, cause, weight)
  local list, message, headers = split(entry)
  local job = headers.id and load(headers.id)
  if job and (FINAL[job.status] or is_old(job, headers.retries)) then return 'dropped' end
  if runs_for(job, worker, serial) then
    local at = now()
    local fate, suspect = interrupt(job, at, cause, weight or 1)
    if fate ~= 'returned' then return fate end
    if suspect then
      schedule(job, string.format('%.6f', tonumber(at) + apart(at)), list, message)
      return fate
    end
  end
  push(nil, list, message, true)
  return 'returned'
end

-- The same for one message in a worker's hands, which leaves them last: should anything in it break, it goes back as it is.
local function give_back_held(worker, serial, cause, weight)
  local entry = redis.call('HGET', unacked_key(worker), serial)
  if not entry then return 'dropped' end
  local whole, fate = pcall(give_back, worker, serial, entry, cause, weight)
  if not whole then
    local list, message = entry:match('^(.-)\n(.*)$')
    push(nil, list, message, true)
    fate = 'returned'
  end
  redis.call('HDEL', unacked_key(worker), serial)
  return fate
end

-- Everything a worker holds goes back. -> how many messages, how many of them poison
local function give_back_all(worker, cause)
  local held, running, returned, poison = redis.call('HGETALL', unacked_key(worker)), 0, 0, 0
  for i = 1, #held, 2 do
    local _, _, headers = split(held[i + 1])
    local whole, job = pcall(load, headers.id)
    if whole and runs_for(job, worker, held[i]) then running = running + 1 end
  end
  for i = 1, #held, 2 do
    local fate = give_back_held(worker, held[i], cause, running > 1 and 0.5 or 1)
    if fate ~= 'dropped' then returned = returned + 1 end
    if fate == 'poison' then poison = poison + 1 end
  end
  return returned, poison
end
