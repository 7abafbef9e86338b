-- A recipient that this attempt has claimed goes on to another state. When the address is no good for any blast, the
-- reason is given. ARGV: blast, who, attempt, state, reason to suppress it ('' = none) -> 1, or 0: no longer its own
even_if_full()
local blast, who, attempt, state, reason = unpack(ARGV)
local old = redis.call('HGET', mail_key(blast), who)
if old ~= 'claimed:' .. attempt and old ~= 'dot:' .. attempt then return 0 end
enter(blast, who, old, state)
if reason ~= '' then redis.call('HSETNX', SUPPRESSED, who, reason .. ' ' .. now()) end
return 1
