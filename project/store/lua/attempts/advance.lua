-- Ends an attempt that succeeded and begins the next one of its process: the next message passes from its list to the
-- worker in the same step. Only a plain message of some kinds is taken, whose job waits and has never died; the main
-- process takes all others.
-- ARGV: as for succeed: id, token, result, children, result message; then worker, the serial that ends ('' = none of its
-- own), the serial of the next, kinds (each between newlines), lists in their order ... (without lists nothing is taken).
-- -> verdict, then the next message if there is one
local id, token, result, children, result_message, worker, done, serial, kinds = unpack(ARGV, 1, 9)
local unacked, job, at = unacked_key(worker), load_job(id), now()
local verdict = check_attempt(job, token, 'success')
if verdict == 'applied' then end_succeeded(job, at, result, children, result_message) end
if done ~= '' then redis.call('HDEL', unacked, done) end

local function is_plain(content)
  local headers, limits = content.headers, content.headers.timelimit
  return kinds:find('\n' .. headers.task .. '\n', 1, true) and content['content-type'] == 'application/json'
    and headers.eta == cjson.null and headers.expires == cjson.null
    and limits[1] == cjson.null and limits[2] == cjson.null
end

local function next_job(message)
  local is_json, content = pcall(cjson.decode, message)
  local is_complete, plain = pcall(is_plain, content)
  if not (is_json and is_complete and plain) then return nil end
  local waiting = load_job(content.headers.id)
  local is_due = waiting and (waiting.status == 'pending' or waiting.status == 'retrying')
  local is_current = is_due and waiting.attempts == content.headers.retries and not is_outdated(waiting, content.headers.revival)
  if is_current and not waiting.deaths then return waiting end
end

local function take(list, message)
  local next = next_job(message)
  if not next then return { verdict } end
  redis.call('RPOP', list)
  redis.call('HSET', unacked, serial, list .. '\n' .. message)
  begin_attempt(next, next.attempts + 1, at, worker .. '#' .. serial)
  return { verdict, message }
end

if verdict == 'repeated' then -- after a lost answer
  local entry = redis.call('HGET', unacked, serial)
  if entry then return { verdict, entry:match('^.-\n(.*)$') } end
end
-- A worker that signed off or lost its lease takes no more: nobody would requeue those messages.
if #ARGV == 9 or not redis.call('ZSCORE', WORKERS, worker) then return { verdict } end
for i = 10, #ARGV do
  local message = redis.call('LINDEX', ARGV[i], -1)
  if message and is_open(ARGV[i]) then return take(ARGV[i], message) end
end
return { verdict }
