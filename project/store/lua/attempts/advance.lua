-- The attempt worked, and its process goes on: the next message passes from its list into the worker's hands and its
-- attempt begins, all in one step. Only a plain message of some kinds is taken, whose job waits and has never died;
-- anything else is left to the main process.
-- ARGV: as for succeed: id, token, result, children, news; worker, the serial it is done with ('' = none of its own),
-- the serial of the next, kinds (each between newlines), lists in their order ... (none: it does not go on).
-- -> verdict, then the next message if there is one
local id, token, result, children, news, worker, done, serial, kinds = unpack(ARGV, 1, 9)
local held, job, at = unacked_key(worker), load(id), now()
local may = verdict(job, token, 'success')
if may == 'go' then succeed(job, at, result, children, news) end
if done ~= '' then redis.call('HDEL', held, done) end

local function is_plain(content)
  local headers, limits = content.headers, content.headers.timelimit
  return kinds:find('\n' .. headers.task .. '\n', 1, true) and content['content-type'] == 'application/json'
    and headers.eta == cjson.null and headers.expires == cjson.null
    and limits[1] == cjson.null and limits[2] == cjson.null
end

local function next_job(message)
  local readable, content = pcall(cjson.decode, message)
  local whole, plain = pcall(is_plain, content)
  if not (readable and whole and plain) then return nil end
  local waiting = load(content.headers.id)
  local is_due = waiting and (waiting.status == 'pending' or waiting.status == 'retrying')
  local is_current = is_due and waiting.attempts == content.headers.retries and not is_outdated(waiting, content.headers.revival)
  if is_current and not waiting.deaths then return waiting end
end

local function take(list, message)
  local next = next_job(message)
  if not next then return { may } end
  redis.call('RPOP', list)
  redis.call('HSET', held, serial, list .. '\n' .. message)
  begin(next, next.attempts + 1, at, worker .. '#' .. serial)
  return { may, message }
end

if may == 'again' then -- asked twice after a lost answer
  local entry = redis.call('HGET', held, serial)
  if entry then return { may, entry:match('^.-\n(.*)$') } end
end
-- One that has left, or whose jobs were given away, takes no more: nobody would give those back.
if #ARGV == 9 or not redis.call('ZSCORE', WORKERS, worker) then return { may } end
for i = 10, #ARGV do
  local message = redis.call('LINDEX', ARGV[i], -1)
  if message and is_open(ARGV[i]) then return take(ARGV[i], message) end
end
return { may }
