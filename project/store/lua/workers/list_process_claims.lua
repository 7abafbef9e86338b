-- The pool processes of a worker that hold messages which they took themselves. ARGV: worker -> their process ids
local pids, seen = {}, {}
for _, serial in ipairs(redis.call('HKEYS', unacked_key(ARGV[1]))) do
  local pid = serial:match('^p(%d+)%.')
  if pid and not seen[pid] then
    seen[pid] = true
    pids[#pids + 1] = tonumber(pid)
  end
end
return pids
