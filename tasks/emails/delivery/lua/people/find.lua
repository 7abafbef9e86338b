-- Find the mailings that have a recipient in their ledger or in their order.
-- ARGV: recipient, its JSON, then mailings
-- Returns: those of the mailings
local recipient, text, found = ARGV[1], ARGV[2], {}
for i = 3, #ARGV do
  local mailing = ARGV[i]
  local order = redis.call('HGET', job_key(mailing), 'payload')
  local is_ordered = order and order:lower():find(text, 1, true)
  if is_ordered or redis.call('HEXISTS', ledger_key(mailing), recipient) == 1 then found[#found + 1] = mailing end
end
return found
