-- One page of records, newest first, over any choice of kinds, queues, statuses and facets.
-- ARGV: most records, most looked at, cursor score ('' = from the newest), cursor id, oldest and newest time (ranges of
-- Redis), text of the error ('' = any), then four times how many and which: kinds, queues, statuses (none: all), facets
-- (each of which a record must have), then fields ...
-- -> how many the lists hold in all (those with more facets than one, or other errors, too), how many were looked at,
-- where to go on (score and id; '' = that was the end), then per record its id and its fields.
-- It reads lists in step, each a little at a time, and stops at either bound: the cost grows with neither jobs nor matches.
local most, most_looked_at, from, after = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local oldest, newest, error_text = ARGV[5], ARGV[6], ARGV[7]
local STEP = math.min(most, 64) + 1

local function take(at)
  local items, count = {}, tonumber(ARGV[at])
  for i = at + 1, at + count do items[#items + 1] = ARGV[i] end
  return items, at + count + 1
end
local kinds, queues, statuses, facets, fields_at
kinds, fields_at = take(8)
queues, fields_at = take(fields_at)
statuses, fields_at = take(fields_at)
facets, fields_at = take(fields_at)
if #statuses == 0 then statuses = STATUSES end

local function one_of(wanted, name)
  for _, one in ipairs(wanted) do
    if one == name then return true end
  end
  return #wanted == 0
end

local function is_wanted(shelf)
  local kind, queue = shelf:match('^([^\n]*)\n?(.*)$')
  return one_of(kinds, kind) and one_of(queues, queue)
end

local function key_of(facet, shelf, status)
  return facet and facet_key(facet, shelf, status) or index_key(shelf, status)
end

-- A list at its newest entry after the cursor: `id` and `score`, no id at its end.
local function advance(list)
  repeat
    if not list.read[list.at] then
      list.read = redis.call('ZREVRANGEBYSCORE', list.key, from or newest, oldest, 'WITHSCORES', 'LIMIT', list.offset, STEP)
      list.offset, list.at = list.offset + STEP, 1
    end
    list.id, list.score = list.read[list.at], tonumber(list.read[list.at + 1])
    list.at = list.at + 2
  until not list.id or not from or list.score < from or list.id < after
end

local function is_newer(one, other)
  return one.score > other.score or (one.score == other.score and one.id > other.id)
end

local function matches(list)
  for i = 2, #facets do
    if not redis.call('ZSCORE', facet_key(facets[i], list.shelf, list.status), list.id) then return false end
  end
  if error_text == '' then return true end
  local error = redis.call('HGET', job_key(list.id), 'error')
  return error and error:find(error_text, 1, true)
end

local lists, total = {}, 0
for _, shelf in ipairs(redis.call('SMEMBERS', SHELVES)) do
  for _, status in ipairs(is_wanted(shelf) and statuses or {}) do
    local key = key_of(facets[1], shelf, status)
    local count = redis.call('ZCOUNT', key, oldest, newest)
    if count > 0 then
      local list = { key = key, shelf = shelf, status = status, read = {}, at = 1, offset = 0 }
      total = total + count
      advance(list)
      if list.id then lists[#lists + 1] = list end
    end
  end
end

local answer, looked_at, last = { total, 0, '', '' }, 0, nil
while #lists > 0 and #answer < most + 4 and looked_at < most_looked_at do
  local place = 1
  for i = 2, #lists do
    if is_newer(lists[i], lists[place]) then place = i end
  end
  local list = lists[place]
  looked_at, last = looked_at + 1, { string.format('%.17g', list.score), list.id }
  if matches(list) then
    answer[#answer + 1] = { list.id, unpack(redis.call('HMGET', job_key(list.id), unpack(ARGV, fields_at))) }
  end
  advance(list)
  if not list.id then table.remove(lists, place) end
end
answer[2] = looked_at
if #lists > 0 then answer[3], answer[4] = last[1], last[2] end
return answer
