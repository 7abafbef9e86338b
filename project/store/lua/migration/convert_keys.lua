-- Converts the keys of one step of a SCAN: records, indexes of tags and tenants, orders kept with idempotency keys, cancel
-- requests. Repeated, it changes nothing more. ARGV: cursor ('0' at first), about how many keys -> next cursor ('0' = done)
even_if_full()

local function convert_callback(text)
  local list, max_retries, payload, message, label = text:match('^(.-)\n(.-)\n(.-)\n(.-)\n(.*)$')
  local kind, queue, tags, tenant = parse_label(label)
  return cjson.encode({ kind = kind, queue = queue, list = list, max_retries = tonumber(max_retries), payload = payload,
    message = message, tags = tags, tenant = tenant })
end

local function rename_field(key, old, new)
  local value = redis.call('HGET', key, old)
  if not value then return end
  redis.call('HSET', key, new, value)
  redis.call('HDEL', key, old)
end

local function convert_record(key)
  local label, list, message, callback = unpack(redis.call('HMGET', key, 'kind', 'queue', 'message', 'callback'))
  local is_converted = list and (not message or redis.call('HEXISTS', key, 'message_list') == 1)
  if not label or is_converted then return end
  local kind, queue, tags, tenant = parse_label(label)
  if message then redis.call('HSET', key, 'message_list', list) end
  local due = redis.call('ZSCORE', SCHEDULED, key:sub(#job_key('') + 1))
  if due then redis.call('HSET', key, 'due_at', due) end
  redis.call('HSET', key, 'kind', kind, 'queue', queue)
  if tags then redis.call('HSET', key, 'tags', tags) end
  if tenant then redis.call('HSET', key, 'tenant', tenant) end
  if callback then redis.call('HSET', key, 'callback', convert_callback(callback)) end
  rename_field(key, 'revival', 'rerun_id')
  rename_field(key, 'event', 'reported_status')
  rename_field(key, 'of', 'reported_job')
end

-- facet:tag:x <newline> kind <newline> queue : status
local function convert_index(key)
  local name = key:sub(#prefix + #'facet:' + 1)
  local mark, value, label, status = name:match('^(%a+):([^\n]*)\n(.*):(%a+)$')
  local to_key = mark == 'tag' and tag_index_key or tenant_index_key
  redis.call('RENAME', key, to_key(value, kind_queue_of_label(label), status))
end

local page = redis.call('SCAN', ARGV[1], 'MATCH', prefix .. '*', 'COUNT', ARGV[2])
for _, key in ipairs(page[2]) do
  local family = key:match('^[^:]*:([^:]*):')
  if family == 'job' then convert_record(key) end
  if family == 'facet' then convert_index(key) end
  if family == 'idempotent' then rename_field(key, 'said', 'order') end
  if family == 'cancelling' then rename_if_there(key, cancel_requests_key(key:sub(#prefix + #'cancelling:' + 1))) end
end
return page[1]
