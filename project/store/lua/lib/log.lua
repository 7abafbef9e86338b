-- string: the last lines of a job's logs. Its first line says how many bytes have been dropped before them, and which batch
-- came last. 'log' and not part of the record, because it is read and trimmed by itself.
local MAX_LOG_BYTES = 65000
local MAX_LOG_FILES = 20
local function log_key(id) return prefix .. 'log:' .. id end
local function log_files_key(id) return prefix .. 'log_files:' .. id end -- list: whole logs of attempts, the last ones (JSON)

-- Adds lines of JSON (each ends with \n) and drops the first ones beyond the bound. A batch that came last comes no second
-- time. batch: a name without spaces.
local function append_log(id, lines, batch)
  local key = log_key(id)
  local text = redis.call('GET', key)
  local dropped, last, kept = '0', nil, ''
  if text then dropped, last, kept = text:match('^(%d+) (%S+)\n(.*)$') end
  if last == batch then return end
  kept = kept .. lines
  local excess = #kept - MAX_LOG_BYTES
  if excess > 0 then
    local cut = kept:find('\n', excess, true) or #kept
    dropped, kept = string.format('%d', dropped + cut), kept:sub(cut + 1)
  end
  redis.call('SET', key, dropped .. ' ' .. batch .. '\n' .. kept)
end

-- The last line of an attempt whose worker died.
local function append_death(job, at, attempt, cause) -- rarely
  local line = '{"at":' .. at .. ',"attempt":' .. attempt .. ',"level":"critical","logger":"","message":' .. cjson.encode(cause) .. '}\n'
  append_log(job.id, line, 'death:' .. at)
end
