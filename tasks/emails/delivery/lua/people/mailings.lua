-- List the mailings of a recipient, newest first.
-- ARGV: recipient, tenant ('' = all), limit, then the place after which the page begins: score, mailing ('' = the start)
-- Returns: { '1' when there are more or '', then of each: mailing, score (microseconds since 1970), state, template, tenant }
-- A mailing whose ledger has expired is left out; for a tenant also one whose record, which names the tenant, has.
local recipient, wanted, limit, from, after = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5]
local key, answer = history_key(recipient), { '' }

local function describe(mailing, score)
  local state = redis.call('HGET', ledger_key(mailing), recipient)
  local tenant = redis.call('HGET', job_key(mailing), 'tenant') or ''
  if not state or (wanted ~= '' and tenant ~= wanted) then return nil end
  return { mailing, score, state, redis.call('HGET', about_key(mailing), 'template') or '', tenant }
end

local entries = redis.call('ZREVRANGEBYSCORE', key, ARGV[4] == '' and '+inf' or ARGV[4], '-inf', 'WITHSCORES')
for i = 1, #entries, 2 do
  local score = tonumber(entries[i + 1])
  if not from or score < from or entries[i] < after then
    local found = describe(entries[i], string.format('%.0f', score))
    if found and #answer > limit then
      answer[1] = '1'
      return answer
    end
    answer[#answer + 1] = found
  end
end
return answer
