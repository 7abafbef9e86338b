-- Removes messages whose jobs have ended from a part of a list. A worker would drop them too, but one by one.
-- ARGV: list, offset, limit -> how many were removed, the next offset ('' = that was the end). New messages come before the
-- offset and workers take from the end, so a walk misses none.
even_if_full()
local list, offset, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local REMOVED, removed = 'continuo: removed', 0
local function is_finished(message)
  local _, _, headers = split_entry(list .. '\n' .. message)
  local job = type(headers.id) == 'string' and load_job(headers.id)
  return job and FINAL[job.status] and redis.call('HEXISTS', job.key, 'aftermath') == 0
end

local messages = redis.call('LRANGE', list, offset, offset + limit - 1)
for i, message in ipairs(messages) do
  local is_read, is_over = pcall(is_finished, message)
  if is_read and is_over then
    redis.call('LSET', list, offset + i - 1, REMOVED)
    removed = removed + 1
  end
end
if removed > 0 then
  redis.call('LREM', list, removed, REMOVED)
  count_in_lane(list, -removed)
end
return { removed, #messages == limit and offset + limit - removed or '' }
