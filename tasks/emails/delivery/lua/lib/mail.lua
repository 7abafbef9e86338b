-- Shared functions of the e-mail scripts. `mailing` is the id of the job of a mailing, `recipient` a folded address.
local SUPPRESSED = prefix .. 'suppressed' -- hash: recipient -> reason, space, seconds since 1970
local ERASED = prefix .. 'erased' -- hash: SHA-1 of a recipient -> the same; suppressed, and nothing else is kept
local function ledger_key(mailing) return prefix .. 'mail:' .. mailing end -- hash: recipient -> state, '' at first
local function counts_key(mailing) return ledger_key(mailing) .. ':counts' end -- hash: state -> number of recipients
local function rows_key(mailing) return ledger_key(mailing) .. ':rows' end -- hash: uploaded chunk -> rows, JSON
-- zset: chunk -> when it is free (seconds since 1970); +inf: on the next attempt of the mailing's own job
local function chunks_key(mailing) return ledger_key(mailing) .. ':chunks' end
-- hash: template, began, retries, paused, started, uploads, connections, held:<job id> (its chunk), tries:<chunk>,
-- call:<call id> (its answer)
local function about_key(mailing) return ledger_key(mailing) .. ':about' end

-- zset: mailing -> microseconds since 1970 of the first claim; the key has no readable address
local function history_key(recipient) return prefix .. 'mails_of:' .. redis.sha1hex(recipient) end
local MAX_HISTORY = 1000 -- mailings per recipient
-- zset: id of a soft bounce -> when it was reported (seconds since 1970)
local function soft_bounces_key(recipient) return prefix .. 'soft_bounces:' .. redis.sha1hex(recipient) end

local function keep(mailing, seconds)
  redis.call('EXPIRE', ledger_key(mailing), seconds)
  redis.call('EXPIRE', counts_key(mailing), seconds)
  redis.call('EXPIRE', rows_key(mailing), seconds)
  redis.call('EXPIRE', chunks_key(mailing), seconds)
  redis.call('EXPIRE', about_key(mailing), seconds)
end

-- The word under which a state is counted; false for a recipient without a state, or one that is claimed.
local function counted(state)
  local word = state and state:match('^%a+')
  return word ~= 'claimed' and word
end

local function set_state(mailing, recipient, old, new)
  local was, is = counted(old), counted(new)
  redis.call('HSET', ledger_key(mailing), recipient, new)
  if was then redis.call('HINCRBY', counts_key(mailing), was, -1) end
  if is then redis.call('HINCRBY', counts_key(mailing), is, 1) end
end

-- Adds a mailing to those of a recipient; forgets those whose ledgers have expired, and the oldest beyond MAX_HISTORY.
local function note_mailing(mailing, recipient, seconds)
  local key, second, micro = history_key(recipient), clock()
  redis.call('ZADD', key, 'NX', string.format('%.0f', second * 1e6 + micro), mailing)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', (second - seconds) * 1e6))
  redis.call('ZREMRANGEBYRANK', key, 0, -MAX_HISTORY - 1)
  redis.call('EXPIRE', key, seconds)
end

local function is_erased(recipient) return redis.call('HEXISTS', ERASED, redis.sha1hex(recipient)) == 1 end

local function is_suppressed(recipient)
  return redis.call('HEXISTS', SUPPRESSED, recipient) == 1 or is_erased(recipient)
end

-- Puts an address on the suppression list, where it keeps an earlier reason -> the number of new addresses
local function suppress(recipient, reason)
  if is_erased(recipient) then return 0 end
  return redis.call('HSETNX', SUPPRESSED, recipient, reason .. ' ' .. now())
end

-- The name that an erased recipient has in the ledger of a mailing.
local function alias_of(mailing, recipient) return 'erased-' .. redis.sha1hex(mailing .. recipient):sub(1, 16) end

-- The field of a recipient in the ledger: the address, or the alias of one that was erased from this mailing.
local function find_field(mailing, recipient)
  if is_erased(recipient) then
    local alias = alias_of(mailing, recipient)
    if redis.call('HEXISTS', ledger_key(mailing), alias) == 1 then return alias end
  end
  return recipient
end

local function is_paused(mailing) return redis.call('HEXISTS', about_key(mailing), 'paused') == 1 end

-- A mailing is over when its job is final or is to be cancelled. Without a record it is not over.
local function is_over(mailing)
  local status, cancel = unpack(redis.call('HMGET', job_key(mailing), 'status', 'cancel'))
  return (status and FINAL[status]) or cancel
end
