-- Copies events in the new form, with their ids, to a stream of its own; at the end it takes the place of the old stream.
-- ARGV: limit -> how many events were copied (0 = done)
even_if_full()
local copy = prefix .. 'migrated_events'
local last = redis.call('XREVRANGE', copy, '+', '-', 'COUNT', 1)[1]
local events = redis.call('XRANGE', EVENTS, last and '(' .. last[1] or '-', '+', 'COUNT', ARGV[1])
if #events == 0 then
  rename_if_there(copy, EVENTS)
  return 0
end
for _, event in ipairs(events) do
  local old, fields = {}, {}
  for i = 1, #event[2], 2 do old[event[2][i]] = event[2][i + 1] end
  local kind, queue, _, tenant = parse_label(old.kind)
  if old.queue then queue, tenant = old.queue, old.tenant end -- converted before
  fields = { 'id', old.id, 'kind', kind, 'queue', queue, 'status', old.status, 'attempts', old.attempts }
  if tenant then fields[#fields + 1], fields[#fields + 2] = 'tenant', tenant end
  if old.progress then fields[#fields + 1], fields[#fields + 2] = 'progress', old.progress end
  redis.call('XADD', copy, event[1], unpack(fields))
end
return #events
