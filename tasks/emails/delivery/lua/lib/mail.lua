-- Stands before every move of the e-mail blasts, after the prelude of all moves.
local SUPPRESSED = prefix .. 'suppressed' -- hash: folded address -> reason, space, since when
local function mail_key(blast) return prefix .. 'mail:' .. blast end -- hash: folded address -> state, '' at first
local function counts_key(blast) return mail_key(blast) .. ':counts' end -- hash: state -> how many have it
local function rows_key(blast) return mail_key(blast) .. ':rows' end     -- hash: uploaded chunk -> its rows, JSON
-- zset: chunk -> when somebody may take it; infinity when those left in it were put off too often
local function chunks_key(blast) return mail_key(blast) .. ':chunks' end
-- hash: began, retries, paused, started, uploads, connections, held:<job> (its chunk), tries:<chunk>, call:<call> (its answer)
local function about_key(blast) return mail_key(blast) .. ':about' end

local function keep(blast, seconds)
  redis.call('EXPIRE', mail_key(blast), seconds)
  redis.call('EXPIRE', counts_key(blast), seconds)
  redis.call('EXPIRE', rows_key(blast), seconds)
  redis.call('EXPIRE', chunks_key(blast), seconds)
  redis.call('EXPIRE', about_key(blast), seconds)
end

-- What a state is counted as: its first word; nobody counts those that have none yet, or are claimed.
local function counted(state)
  local word = state and state:match('^%a+')
  return word ~= 'claimed' and word
end

local function enter(blast, who, old, new)
  local was, is = counted(old), counted(new)
  redis.call('HSET', mail_key(blast), who, new)
  if was then redis.call('HINCRBY', counts_key(blast), was, -1) end
  if is then redis.call('HINCRBY', counts_key(blast), is, 1) end
end

local function is_paused(blast) return redis.call('HEXISTS', about_key(blast), 'paused') == 1 end

-- A record that is final, or that somebody wants cancelled, has no more mails. One without a record has.
local function is_over(blast)
  local status, cancel = unpack(redis.call('HMGET', job_key(blast), 'status', 'cancel'))
  return (status and FINAL[status]) or cancel
end
