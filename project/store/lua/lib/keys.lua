-- Stands before every move. KEYS[1] is the prefix of all our keys; what else is touched is derived from it. KEYS[2] is
-- how many events are kept. A KEYS[3] says that messages are not Redis lists but go through another broker: here they
-- are only noted, until it has them.
-- Removals come before additions everywhere: a full Redis refuses a script's first growing write, never a later one,
-- so an enqueue is refused whole while a running job can still be finished.
local prefix = KEYS[1]
local MOST_EVENTS = KEYS[2]
local elsewhere = KEYS[3] ~= nil
local EVENTS = prefix .. 'events'       -- stream: what happened to jobs, the oldest forgotten
local SCHEDULED = prefix .. 'scheduled' -- zset: job id -> when its message is due
local UNSENT = prefix .. 'unsent'       -- zset: job id -> since when its message is to go to the other broker
local SHELVES = prefix .. 'kinds'       -- set: every shelf that ever had a job
local QUEUES = prefix .. 'queues'       -- set: every list that messages were put on
local WORKERS = prefix .. 'workers'     -- zset: worker id -> when its lease ends
local PULSE = prefix .. 'pulse'         -- hash: when a worker was last heard of, until when leases are not judged
local PAUSED = prefix .. 'paused'       -- set: queues that hand out nothing
local PACE = prefix .. 'pace'           -- hash: how long jobs of a shelf take, how many of a queue can run at once
local TRAFFIC = prefix .. 'traffic'     -- hash: what HTTP servers have counted -> how often or how much
local GARBAGE = prefix .. 'garbage'     -- list: messages nobody can read, newest first
local DEFAULT_QUEUE = 'celery'          -- the one that a label does not name
local MOST_GARBAGE = 10000
local DISABLED = prefix .. 'disabled'   -- zset: URL -> since when it wants no more callbacks
local MOST_DISABLED = 10000
local HISTORY = prefix .. 'history'     -- list: what had been counted minutes ago, newest first
local MOST_DEATHS = 3                   -- a job that killed its worker so often is not run again
local MOST_FAILURES = 20                -- attempts that did not work are kept on the record, the last ones
local STATUSES = { 'pending', 'running', 'success', 'failed', 'retrying', 'cancelled' }
local FINAL = { success = true, failed = true, cancelled = true }

local function job_key(id) return prefix .. 'job:' .. id end
-- A job is filed under its label: its kind; on a second line its queue, empty for Celery's own; on further lines its
-- facets. Its shelf is the part before the facets. zset: job id -> when it was created
local function index_key(shelf, status) return prefix .. 'index:' .. shelf .. ':' .. status end
-- hash: what happened to its jobs -> how often or how much
local function meter_key(shelf) return prefix .. 'meter:' .. shelf end
local function facet_key(facet, shelf, status) return prefix .. 'facet:' .. facet .. '\n' .. shelf .. ':' .. status end
local function worker_key(id) return prefix .. 'worker:' .. id end
local function unacked_key(worker) return prefix .. 'unacked:' .. worker end -- hash: serial -> list, newline, message
local function cancelling_key(worker) return prefix .. 'cancelling:' .. worker end -- set: jobs it is asked to stop
local function unique_key(kind, key) return prefix .. 'unique:' .. kind .. '\n' .. key end -- string: the job that holds it
local function bell_key(queue) return prefix .. 'bell:' .. queue end        -- list: an item when there is work

-- To be called first by a move that has nothing to remove and must work when Redis is full.
local function even_if_full() redis.call('DEL', prefix .. 'nothing') end

-- The time since the epoch in seconds and microseconds, in a script always the same; and as it is kept.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]), tonumber(time[2])
end
local function timestamp(second, micro)
  if micro >= 1000000 then return timestamp(second + 1, micro - 1000000) end
  return string.format('%d.%06d', second, micro)
end
local function now() return timestamp(clock()) end
