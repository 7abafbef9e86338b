-- One page of records, newest first, over any choice of kinds and statuses.
-- ARGV: limit, cursor score ('' = from the newest), cursor id, oldest and newest time (ranges of Redis), number of kinds,
-- kinds ..., number of statuses, statuses ..., fields ... (no kinds, no statuses: all). -> total, whether there is more
-- (1 | 0), then per record its id and its fields.
local limit, from, after, oldest, newest_at = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]

local function take(at)
  local items, count = {}, tonumber(ARGV[at])
  for i = at + 1, at + count do items[#items + 1] = ARGV[i] end
  return items, at + count + 1
end

local kinds, statuses, fields_at
kinds, fields_at = take(6)
statuses, fields_at = take(fields_at)
if #kinds == 0 then kinds = redis.call('SMEMBERS', KINDS) end
if #statuses == 0 then statuses = STATUSES end

local function is_later(entry) -- later in the list, that is older
  return not from or entry.score < from or (entry.score == from and entry.id < after)
end

-- The newest `limit` entries of one list that come after the cursor. Several may share the cursor's score,
-- so it looks further until it has enough or the list ends.
local function newest(key)
  local step = limit + 1
  while true do
    local raw = redis.call('ZREVRANGEBYSCORE', key, from or newest_at, oldest, 'WITHSCORES', 'LIMIT', 0, step)
    local entries = {}
    for i = 1, #raw, 2 do
      local entry = { id = raw[i], score = tonumber(raw[i + 1]) }
      if is_later(entry) then entries[#entries + 1] = entry end
    end
    if #entries > limit or #raw < 2 * step then return entries end
    step = step * 2
  end
end

local total, found = 0, {}
for _, kind in ipairs(kinds) do
  for _, status in ipairs(statuses) do
    local key = index_key(kind, status)
    local count = redis.call('ZCOUNT', key, oldest, newest_at)
    total = total + count
    if count > 0 then
      for _, entry in ipairs(newest(key)) do found[#found + 1] = entry end
    end
  end
end
table.sort(found, function(a, b)
  if a.score ~= b.score then return a.score > b.score end
  return a.id > b.id
end)

local answer = { total, #found > limit and 1 or 0 }
for i = 1, math.min(limit, #found) do
  answer[#answer + 1] = { found[i].id, unpack(redis.call('HMGET', job_key(found[i].id), unpack(ARGV, fields_at))) }
end
return answer
