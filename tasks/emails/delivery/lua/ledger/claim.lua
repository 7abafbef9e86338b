-- May an attempt mail a recipient? One that is new, put off, or claimed by another attempt; with resend also one that
-- another attempt may have mailed. ARGV: blast, who, attempt, seconds kept, resend ('1' or '') -> 'go' | 'no' | 'suppressed'
local blast, who, attempt, kept, resend = unpack(ARGV)
local state = redis.call('HGET', mail_key(blast), who)
local word = state and state:match('^%a+')
local doubtful = word == 'unknown' or (word == 'dot' and state ~= 'dot:' .. attempt)
local free = not word or word == 'retry' or word == 'claimed' or (resend == '1' and doubtful)
if not free then return word == 'suppressed' and word or 'no' end
local answer = redis.call('HEXISTS', SUPPRESSED, who) == 1 and 'suppressed' or 'go'
enter(blast, who, state, answer == 'go' and 'claimed:' .. attempt or answer)
redis.call('EXPIRE', mail_key(blast), kept)
redis.call('EXPIRE', counts_key(blast), kept)
return answer
