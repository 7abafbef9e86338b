-- Names of version 0 of the data, used only by the migration. There a label had kind, queue ('' = the default), then tags
-- and tenant as tag:x and tenant:x, a line each, cut off after the last part that is not empty.
local function parse_label(label)
  local lines, tags, tenant = {}, {}, nil
  for line in (label .. '\n'):gmatch('([^\n]*)\n') do lines[#lines + 1] = line end
  for i = 3, #lines do
    local kind_of_line, value = lines[i]:match('^(%a+):(.*)$')
    if kind_of_line == 'tag' then tags[#tags + 1] = value end
    if kind_of_line == 'tenant' then tenant = value end
  end
  local queue = lines[2]
  return lines[1], (queue == nil or queue == '') and DEFAULT_QUEUE or queue, #tags > 0 and cjson.encode(tags) or nil, tenant
end
local function kind_queue_of_label(label)
  local kind, queue = parse_label(label)
  return kind_queue_of(kind, queue)
end
local function rename_if_there(old, new)
  if redis.call('EXISTS', old) == 1 then redis.call('RENAME', old, new) end
end
