-- Change the state of a recipient that this attempt holds. With a reason the address goes on the suppression list.
-- ARGV: mailing, recipient, attempt, state, reason or ''
-- Returns: 1, or 0 when the attempt does not hold the recipient
even_if_full()
local mailing, recipient, attempt, state, reason = unpack(ARGV)
local field = find_field(mailing, recipient)
local old = redis.call('HGET', ledger_key(mailing), field)
if old ~= 'claimed:' .. attempt and old ~= 'dot:' .. attempt then return 0 end
set_state(mailing, field, old, state)
if reason ~= '' then suppress(recipient, reason) end
return 1
