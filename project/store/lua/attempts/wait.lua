-- Begins or continues a wait of a running attempt: says what has ended it, else ends the attempt, uncounted. The same message
-- runs again when a signal or the time comes. The attempt did not kill its worker, so earlier deaths are forgotten.
-- ARGV: id, token, wait (JSON: name, kind, and what people are asked), seconds, digest of a signal that the attempt has
-- looked at ('' = none), whether that will do (1 | 0: it is thrown away), list, message
-- -> 'signal' with its JSON | 'timeout' | 'sleep' (the time has come) | 'look' with the JSON of a signal | 'waits' | 'refused'
even_if_full()
local id, token, about, seconds, digest, will_do, list, message = unpack(ARGV)
local job, at, wanted = load_job(id), now(), cjson.decode(about)
local verdict = check_attempt(job, token, 'waiting')
if verdict == 'repeated' then return { 'waits' } end
if verdict ~= 'applied' then return { 'refused' } end

local field, open = signal_field(wanted.name), load_wait(job)
if open and open.name ~= wanted.name then open = nil end -- the code has changed
local started_at = open and string.format('%.6f', open.started_at) or at
local ends_at = open and string.format('%.6f', open.ends_at) or string.format('%.6f', at + seconds)

local function look_at_signal()
  local signal = redis.call('HGET', job.key, field)
  if not signal then return nil end
  if redis.sha1hex(signal) ~= digest then return { 'look', signal } end
  if will_do == '1' then
    close_wait(job, wanted.name, started_at, at, 'signal')
    return { 'signal', signal }
  end
  redis.call('HDEL', job.key, field)
end

local answer = wanted.kind == 'signal' and look_at_signal()
if answer then return answer end
if open and tonumber(ends_at) <= tonumber(at) then
  local how = wanted.kind == 'signal' and 'timeout' or 'sleep'
  close_wait(job, wanted.name, started_at, at, how)
  if how == 'timeout' then redis.call('HSET', job.key, field, TIMED_OUT) end
  return { how }
end
if cancel_if_requested(job, at) then return { 'refused' } end
redis.call('HDEL', job.key, 'deaths')
job.attempts = job.attempts - 1
transition(job, 'waiting', at, 'attempts', job.attempts, 'wait',
  '{"started_at":' .. started_at .. ',"ends_at":' .. ends_at .. ',' .. about:sub(2))
drop_held_message(token)
schedule(job, ends_at, list, shorten_message(message, job.id))
return { 'waits' }
