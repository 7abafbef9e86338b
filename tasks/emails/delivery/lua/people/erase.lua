-- Put an alias in the place of a recipient in a ledger. One without an outcome gets no mail.
-- ARGV: mailing, recipient, '1' when the order has the recipient too or '', seconds until a new ledger expires
-- Returns: 1, or 0 when neither the ledger nor the order has the recipient
even_if_full()
local mailing, recipient, is_ordered, keep_seconds = unpack(ARGV)
local ledger, alias = ledger_key(mailing), alias_of(mailing, recipient)
local state = redis.call('HGET', ledger, recipient)
if not state and (is_ordered == '' or redis.call('HEXISTS', ledger, alias) == 1) then return 0 end
local word = state and state:match('^%a+')
local is_open = not word or word == 'retry' or word == 'claimed'
redis.call('HDEL', ledger, recipient)
set_state(mailing, alias, state, is_open and 'suppressed' or state)
for _, key in ipairs({ ledger, counts_key(mailing) }) do
  if redis.call('TTL', key) == -1 then redis.call('EXPIRE', key, keep_seconds) end
end
return 1
