-- Recipients are added to a blast that waits for them. Those whose address is there already are left out; the others are
-- one chunk. ARGV: blast, call (names this call, also when it is asked again after a lost answer), seconds kept, most that
-- a blast may have, then of each: who, state ('' or 'invalid'), row (JSON)
-- -> { 'added', added, invalid, doubled, all } | { 'closed' } | { 'full', all } | { 'unknown' }
local blast, call, kept, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local key, about = mail_key(blast), about_key(blast)
local known = redis.call('HGET', about, 'call:' .. call)
if known then return { 'added', unpack(cjson.decode(known)) } end
local status = redis.call('HGET', job_key(blast), 'status')
if not status then return { 'unknown' } end
if status ~= 'pending' or redis.call('HEXISTS', about, 'started') == 1 then return { 'closed' } end
local all = redis.call('HLEN', key)
if all + (#ARGV - 4) / 3 > most then return { 'full', all } end
local rows, invalid, before = {}, 0, all
for i = 5, #ARGV, 3 do
  if redis.call('HSETNX', key, ARGV[i], ARGV[i + 1]) == 1 then
    if ARGV[i + 1] == 'invalid' then invalid = invalid + 1 end
    rows[#rows + 1] = ARGV[i + 2]
  end
end
local added = #rows
all = before + added
if added > 0 then
  local chunk = redis.call('HINCRBY', about, 'uploads', 1)
  redis.call('HSET', rows_key(blast), chunk, '[' .. table.concat(rows, ',') .. ']')
  redis.call('ZADD', chunks_key(blast), 0, chunk)
end
if invalid > 0 then redis.call('HINCRBY', counts_key(blast), 'invalid', invalid) end
local answer = { added - invalid, invalid, (#ARGV - 4) / 3 - added, all }
redis.call('HSET', about, 'call:' .. call, cjson.encode(answer))
keep(blast, kept)
return { 'added', unpack(answer) }
