-- Compares the version of the data with that of the program; writes the latter where there is no data. ARGV: version of the program
-- -> version of the data, id of a worker that holds a lease ('' = none)
even_if_full()
local version = redis.call('GET', VERSION)
if not version then
  local is_old = redis.call('EXISTS', prefix .. 'kinds', prefix .. 'pulse') > 0 -- names that only version 0 has
  version = is_old and '0' or ARGV[1]
  if not is_old then redis.call('SET', VERSION, version) end
end
return { version, redis.call('ZRANGEBYSCORE', WORKERS, '(' .. now(), '+inf', 'LIMIT', 0, 1)[1] or '' }
