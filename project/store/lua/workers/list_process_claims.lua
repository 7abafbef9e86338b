-- The pool processes of a worker that hold messages they took by themselves. ARGV: worker -> their numbers
local found, seen = {}, {}
for _, serial in ipairs(redis.call('HKEYS', unacked_key(ARGV[1]))) do
  local pid = serial:match('^p(%d+)%.')
  if pid and not seen[pid] then
    seen[pid] = true
    found[#found + 1] = tonumber(pid)
  end
end
return found
