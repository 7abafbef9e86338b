-- One page of records, newest or oldest first, of any choice of kinds, queues, statuses, tags and tenant.
-- ARGV: question (JSON: limit, max_scanned, oldest and newest as Redis writes ends of ranges, kinds, queues and statuses
-- (empty: all), except_kinds, tags (a record has each), fields, is_ascending (oldest first); if given: tenant, error (a part of its text), cause (the fingerprint of its last failure), texts and shown_kinds (id, tags,
-- error, result or, of these kinds, payload contain one of the texts), scheduled (whether
-- it waits for its time), after_score and after_id)
-- -> how many records the indexes have in all (more than match when there are several tags, an error or scheduled), how many were
-- scanned, the cursor of the next page (score and id; '' = that was the end), then of each record its id and its fields.
-- It reads the indexes in step, each a little at a time, and stops at either bound: the cost grows neither with the number
-- of jobs nor with that of matches.
local question = cjson.decode(ARGV[1])
local from, after_id = tonumber(question.after_score), question.after_id
local statuses = #question.statuses > 0 and question.statuses or STATUSES
local STEP = math.min(question.limit, 64) + 1
local RANGE, FIRST, LAST = 'ZREVRANGEBYSCORE', question.newest, question.oldest
if question.is_ascending then RANGE, FIRST, LAST = 'ZRANGEBYSCORE', question.oldest, question.newest end

-- Whether one record comes before another on the pages.
local function is_before(one, other)
  if question.is_ascending then one, other = other, one end
  return one.score > other.score or (one.score == other.score and one.id > other.id)
end

local function is_one_of(wanted, name)
  for _, one in ipairs(wanted) do
    if one == name then return true end
  end
  return #wanted == 0
end

local function is_wanted(kind_queue)
  local kind, queue = split_kind_queue(kind_queue)
  for _, other in ipairs(question.except_kinds) do
    if kind == other then return false end
  end
  return is_one_of(question.kinds, kind) and is_one_of(question.queues, queue)
end

-- Whether the payload of such jobs may be searched: others may have secrets.
local function is_shown(kind_queue)
  local kind = split_kind_queue(kind_queue)
  for _, shown in ipairs(question.shown_kinds or {}) do
    if kind == shown then return true end
  end
  return false
end

-- The keys of all indexes that a record of this kind, queue and status must be in. Without tag and tenant there is one.
local function keys_of(kind_queue, status)
  local keys = {}
  if question.tenant then keys[1] = tenant_index_key(question.tenant, kind_queue, status) end
  for _, tag in ipairs(question.tags) do keys[#keys + 1] = tag_index_key(tag, kind_queue, status) end
  return #keys > 0 and keys or { index_key(kind_queue, status) }
end

-- Moves an index to its next entry after the cursor: its `id` and `score`, no id at the end.
local function step(index)
  repeat
    if not index.entries[index.at] then
      index.entries = redis.call(RANGE, index.keys[1], from or FIRST, LAST, 'WITHSCORES', 'LIMIT', index.offset, STEP)
      index.offset, index.at = index.offset + STEP, 1
    end
    index.id, index.score = index.entries[index.at], tonumber(index.entries[index.at + 1])
    index.at = index.at + 2
  until not index.id or not from or is_before({ score = from, id = after_id }, index)
end

-- Whether a record waits for its time. A running job may keep another copy of its message, which has a time, too.
local function is_scheduled(index)
  return index.is_waiting and redis.call('HEXISTS', job_key(index.id), 'due_at') == 1
end

local MAX_READ_BYTES = 4194304 -- of texts, by one page
local SEARCHED, SEARCHED_IF_SHOWN = { 'tags', 'error', 'result' }, { 'tags', 'error', 'result', 'payload' }
local read = 0

local function contains(text)
  for _, part in ipairs(question.texts) do
    if text:find(part, 1, true) then return true end
  end
  return false
end

-- Whether the job has one of the texts in its id, tags, error, result or payload.
local function has_text(index)
  local fields = index.is_shown and SEARCHED_IF_SHOWN or SEARCHED
  local values = redis.call('HMGET', job_key(index.id), unpack(fields))
  for i = 1, #fields do
    local value = values[i]
    if value then
      read = read + #value
      if contains(value) then return true end
    end
  end
  return contains(index.id)
end

local function matches(index)
  for i = 2, #index.keys do
    if not redis.call('ZSCORE', index.keys[i], index.id) then return false end
  end
  if question.scheduled ~= nil and is_scheduled(index) ~= question.scheduled then return false end
  if question.cause and redis.call('HGET', job_key(index.id), 'fingerprint') ~= question.cause then return false end
  if question.texts and not has_text(index) then return false end
  if not question.error then return true end
  local error = redis.call('HGET', job_key(index.id), 'error')
  return error and error:find(question.error, 1, true)
end

local indexes, total = {}, 0
for _, kind_queue in ipairs(redis.call('SMEMBERS', KIND_QUEUES)) do
  for _, status in ipairs(is_wanted(kind_queue) and statuses or {}) do
    local keys = keys_of(kind_queue, status)
    local count = redis.call('ZCOUNT', keys[1], question.oldest, question.newest)
    if count > 0 then
      local is_waiting = status == 'pending' or status == 'retrying' or status == 'waiting'
      local index = { keys = keys, is_waiting = is_waiting, is_shown = is_shown(kind_queue), entries = {}, at = 1, offset = 0 }
      total = total + count
      step(index)
      if index.id then indexes[#indexes + 1] = index end
    end
  end
end

local answer, scanned, last_score, last_id = { total, 0, '', '' }, 0, nil, nil
while #indexes > 0 and #answer < question.limit + 4 and scanned < question.max_scanned and read < MAX_READ_BYTES do
  local place = 1
  for i = 2, #indexes do
    if is_before(indexes[i], indexes[place]) then place = i end
  end
  local index = indexes[place]
  scanned, last_score, last_id = scanned + 1, index.score, index.id
  if matches(index) then
    answer[#answer + 1] = { index.id, unpack(redis.call('HMGET', job_key(index.id), unpack(question.fields))) }
  end
  step(index)
  if not index.id then table.remove(indexes, place) end
end
answer[2] = scanned
if #indexes > 0 then answer[3], answer[4] = string.format('%.17g', last_score), last_id end
return answer
