-- Claim a recipient for an attempt. Free are recipients that are new, put off, or claimed by another attempt; with resend
-- also those that another attempt may have mailed.
-- ARGV: mailing, recipient, attempt, seconds until expiry, resend ('1' or '')
-- Returns: 'go' | 'no' | 'suppressed'
local mailing, recipient, attempt, keep_seconds, resend = unpack(ARGV)
local field = find_field(mailing, recipient)
local state = redis.call('HGET', ledger_key(mailing), field)
local word = state and state:match('^%a+')
local may_be_sent = word == 'unknown' or (word == 'dot' and state ~= 'dot:' .. attempt)
local free = not word or word == 'retry' or word == 'claimed' or (resend == '1' and may_be_sent)
if not free then return word == 'suppressed' and word or 'no' end
local answer = is_suppressed(recipient) and 'suppressed' or 'go'
set_state(mailing, field, state, answer == 'go' and 'claimed:' .. attempt or answer)
if not word and not is_erased(recipient) then note_mailing(mailing, recipient, keep_seconds) end
redis.call('EXPIRE', ledger_key(mailing), keep_seconds)
redis.call('EXPIRE', counts_key(mailing), keep_seconds)
return answer
