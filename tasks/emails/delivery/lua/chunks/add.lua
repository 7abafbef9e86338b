-- Add a part of the recipients to a mailing that waits for them. Recipients that it has already are left out; the others
-- become one chunk. A call that is repeated after a lost answer gets the same answer.
-- ARGV: mailing, call id, seconds until expiry, most recipients of the mailing,
--       then for each recipient: key, state ('' or 'invalid'), row (JSON)
-- Returns: { 'added', added, invalid, doubled, total } | { 'closed' } | { 'full', total } | { 'unknown' }
local mailing, call, keep_seconds, max_recipients = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local ledger, about = ledger_key(mailing), about_key(mailing)
local earlier = redis.call('HGET', about, 'call:' .. call)
if earlier then return { 'added', unpack(cjson.decode(earlier)) } end
local status = redis.call('HGET', job_key(mailing), 'status')
if not status then return { 'unknown' } end
if status ~= 'pending' or redis.call('HEXISTS', about, 'started') == 1 then return { 'closed' } end
local total, given = redis.call('HLEN', ledger), (#ARGV - 4) / 3
if total + given > max_recipients then return { 'full', total } end
local rows, invalid = {}, 0
for i = 5, #ARGV, 3 do
  if redis.call('HSETNX', ledger, ARGV[i], ARGV[i + 1]) == 1 then
    if ARGV[i + 1] == 'invalid' then invalid = invalid + 1 end
    rows[#rows + 1] = ARGV[i + 2]
  end
end
local new = #rows
if new > 0 then
  local chunk = redis.call('HINCRBY', about, 'uploads', 1)
  redis.call('HSET', rows_key(mailing), chunk, '[' .. table.concat(rows, ',') .. ']')
  redis.call('ZADD', chunks_key(mailing), 0, chunk)
end
if invalid > 0 then redis.call('HINCRBY', counts_key(mailing), 'invalid', invalid) end
local answer = { new - invalid, invalid, given - new, total + new }
redis.call('HSET', about, 'call:' .. call, cjson.encode(answer))
keep(mailing, keep_seconds)
return { 'added', unpack(answer) }
