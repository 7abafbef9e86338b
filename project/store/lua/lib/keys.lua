-- Comes before every script. KEYS[1]: the prefix of all keys; the scripts derive the other keys from it. KEYS[2]: how many
-- events are kept. KEYS[3], if not empty: another broker carries the messages, and Redis keeps them until it confirms them.
-- KEYS[4] and KEYS[5], if given: who sends the request, and its number among those of this sender; see refuse_late.
-- Removals come before additions everywhere: a full Redis refuses the first growing write of a script and no later one.
-- So a full Redis refuses an enqueue as a whole, and a running job can still end.
local prefix = KEYS[1]
local MAX_EVENTS = KEYS[2]
local uses_other_broker = (KEYS[3] or '') ~= ''
local EVENTS = prefix .. 'events'                 -- stream: changes of jobs, the oldest trimmed
local SCHEDULED = prefix .. 'scheduled'           -- zset: job id -> when its message is due
local UNSENT = prefix .. 'unsent'                 -- zset: job id -> since when its message waits for the other broker
local KIND_QUEUES = prefix .. 'kind_queues'       -- set: kind@queue of every job that ever was, see kind_queue_of
local QUEUES = prefix .. 'queues'                 -- set: every Redis list that ever had a message
local WORKERS = prefix .. 'workers'               -- zset: worker id -> when its lease ends
local HEARTBEAT = prefix .. 'heartbeat'           -- hash: last_at, lease_seconds, grace_until, dead_workers, clock_steps
local PAUSED = prefix .. 'paused'                 -- set: queues that hand out no messages
local PAUSES = prefix .. 'pauses'                 -- hash: paused queue -> since when, a space, the name of the API key that paused it
local LANED = prefix .. 'laned'                   -- set: queues in which lanes take turns
local LANE_MESSAGES = prefix .. 'lane_messages'   -- hash: queue -> how many messages its lanes have, without the default lane
local LANE_WEIGHTS = prefix .. 'lane_weights'     -- hash: lane -> how many turns it has for one of the others
local LIMITS = prefix .. 'limits'                 -- hash: name -> limit (JSON)
local LIMITS_BY = prefix .. 'limits_by'           -- hash: what the jobs have in common, see limits_of -> limits (JSON array)
local SWITCHES = prefix .. 'switches'             -- zset: limit that is a switch, a breaker or the hold of a host -> until when
local HELD_HOSTS = prefix .. 'held_hosts'         -- set: those of SWITCHES that hold a host
local SWEEPS = prefix .. 'sweeps'                 -- hash: switch that ends jobs -> how far it is with those that wait, see sweep
local BREAKERS = prefix .. 'breakers'             -- hash: kind -> when its jobs are held back because they fail (JSON)
local LIMIT_WAITS = prefix .. 'limit_waits'       -- zset: gate at which lanes wait -> when it is looked at again
local DURATIONS = prefix .. 'durations'           -- hash: measured_at, run:<kind@queue> (seconds), slots:<queue>
local REQUEST_COUNTS = prefix .. 'request_counts' -- hash: method, route and what is counted -> how often, or how much
local DEAD_LETTERS = prefix .. 'dead_letters'     -- list: messages that no worker can read, newest first
local DEAD_LETTER_COUNT = prefix .. 'dead_letters:count'
local DISABLED = prefix .. 'disabled_urls'        -- zset: URL -> since when it refuses callbacks
local HISTORY = prefix .. 'history'               -- list: sums of all counters, one a minute, newest first
local SCHEDULES = prefix .. 'schedules'           -- zset: schedule -> when its next job is made; +inf = paused or over
local SCHEDULE_COUNTS = prefix .. 'schedule_counts' -- hash: what happened to due times -> how often; how late jobs were made, see count_duration
local ARCHIVE_ON = prefix .. 'archive:on'          -- string: ended jobs go to the history, and the sweep waits for that
local ARCHIVE_LEASE = prefix .. 'archive:lease'    -- string: token of the only process that may change the history
local ARCHIVE_BATCH = prefix .. 'archive:batch'    -- list: number of the batch that is being archived, then its job ids
local ARCHIVE_NUMBER = prefix .. 'archive:number'  -- string: number of the last batch
local UNARCHIVED = prefix .. 'archive:waiting'     -- zset: id of an ended job that is not archived -> when it ended
local ERASURES = prefix .. 'archive:erasures'      -- list: erasures from the history (JSON), newest first
local WORKFLOWS = prefix .. 'workflows'           -- zset: workflow -> when it was ordered
local OPEN_WORKFLOWS = prefix .. 'workflows:open' -- zset: workflow that has not ended -> when a round looks at it next
local ENDED_WORKFLOWS = prefix .. 'workflows:ended' -- zset: workflow that has ended -> when
local OUTBOXES = prefix .. 'outboxes'             -- hash: outbox of an application -> what its relay saw last (JSON)
local VERSION = prefix .. 'version'               -- string: the version of the layout of the data
local DEFAULT_QUEUE = 'celery'
local MAX_DEAD_LETTERS = 10000
local MAX_DISABLED = 10000
local MAX_CLOCK_ERROR = 1                         -- seconds by which the clock of Redis may go back unnoticed
local MAX_DEATHS = 3                              -- a job fails when it has killed this many workers
local SUSPECT_DEATHS = 0.5                        -- from here on a worker runs it beside no other such job
local SLOW_DOWN = '-slow_down'                    -- the gate of lanes that a job has slowed down; no limit has such a name
local GATE_SECONDS = 2                            -- after which a gate at which lanes wait is looked at in any case
local MAX_OPENED_LANES = 500                      -- at once
local MAX_HELD_SECONDS = 86400                    -- so long a job waits for a host uncounted
local MAX_HELD_HOSTS = 10000                      -- more of them are not held
local MAX_FAILURES = 20                           -- failed attempts kept on the record, the last ones
local MAX_FIRINGS = 100                           -- entries of the history of a schedule, the last ones
local STATUSES = { 'pending', 'running', 'success', 'failed', 'retrying', 'cancelled', 'waiting' }
local FINAL = { success = true, failed = true, cancelled = true }

-- A kind and a queue as one name: `report@celery`. In either, % @ and : are written %25 %40 %3A.
local function escape(name)
  if not name:find('[%%@:]') then return name end
  return (name:gsub('[%%@:]', { ['%'] = '%25', ['@'] = '%40', [':'] = '%3A' }))
end
local function unescape(name) return (name:gsub('%%(%x%x)', function(code) return string.char(tonumber(code, 16)) end)) end
local function kind_queue_of(kind, queue) return escape(kind) .. '@' .. escape(queue) end
local function split_kind_queue(name)
  local kind, queue = name:match('^(.-)@(.*)$')
  return unescape(kind), unescape(queue)
end

local function job_key(id) return prefix .. 'job:' .. id end
-- zset: job id -> when it was created; the jobs of a kind, a queue and a status, and those of them with a tag or of a tenant
local function index_key(kind_queue, status) return prefix .. 'index:' .. kind_queue .. ':' .. status end
local function tag_index_key(tag, kind_queue, status) return index_key(kind_queue, status) .. ':tag:' .. tag end
local function tenant_index_key(tenant, kind_queue, status) return index_key(kind_queue, status) .. ':tenant:' .. tenant end
-- hash: what happened to the jobs of a kind and a queue -> how often, or how many microseconds
local function counters_key(kind_queue) return prefix .. 'counters:' .. kind_queue end
local function workflow_key(id) return prefix .. 'workflow:' .. id end -- hash, see lib/workflow.lua
local function tenant_workflows_key(tenant) return prefix .. 'workflows:of:' .. tenant end -- zset: like WORKFLOWS
local function canvas_key(id) return prefix .. 'canvas:' .. id end -- zset: job of a canvas of Celery -> when it was created
local function worker_key(id) return prefix .. 'worker:' .. id end
local function worker_log_key(name) return prefix .. 'worker_log:' .. name end
local function report_key(worker) return prefix .. 'report:' .. worker end -- string: what the worker says that it runs
local function unacked_key(worker) return prefix .. 'unacked:' .. worker end -- hash: serial -> Redis list, newline, message
local function cancel_requests_key(worker) return prefix .. 'cancel_requests:' .. worker end -- set: ids of jobs to stop
local function unique_key(kind, key) return prefix .. 'unique:' .. kind .. '\n' .. key end -- string: id of the job that holds it
local function lanes_key(queue) return prefix .. 'lanes:' .. queue end -- zset: open lane -> its virtual time, see open_lane
local function closed_key(queue) return prefix .. 'closed:' .. queue end -- hash: lane that a limit has closed -> the gate
local function waits_key(gate) return prefix .. 'waits:' .. gate end -- list: queue, \6 and lane of those that wait at a gate
local function passed_key(gate) return prefix .. 'passed:' .. gate end -- set: ids of the running jobs that a limit counts
local function waiting_key(holder) return prefix .. 'waiting_of:' .. holder end -- set: ids of the jobs of a key with a quota that wait
local function outcomes_key(kind) return prefix .. 'outcomes:' .. kind end -- list: 0 or 1 (failed) and when, of the last attempts
local function bucket_key(gate) return prefix .. 'bucket:' .. gate end -- string: when the bucket of a rate is full again
local function wakeup_key(queue) return prefix .. 'wakeup:' .. queue end -- list: an item while there are messages

-- A script that removes nothing and must work when Redis is full calls this first.
local function even_if_full() redis.call('DEL', prefix .. 'nothing') end

-- The network can deliver a request long after its sender gave it up and sent it again. So senders number their requests:
-- one that is not newer than the last is refused. -> nil, or the error
local function refuse_late()
  if not KEYS[5] then return nil end
  local key = prefix .. 'place:' .. KEYS[4]
  if tonumber(KEYS[5]) <= tonumber(redis.call('GET', key) or 0) then
    return redis.error_reply('LATE a newer request of this sender was answered')
  end
  even_if_full()
  redis.call('SET', key, KEYS[5], 'EX', 600) -- longer than any network keeps a request
end

-- The time since the epoch in seconds and microseconds, constant within a script; and as text, the way it is stored.
local function clock()
  local time = redis.call('TIME')
  return tonumber(time[1]), tonumber(time[2])
end
local function timestamp(second, micro)
  if micro >= 1000000 then return timestamp(second + 1, micro - 1000000) end
  return string.format('%d.%06d', second, micro)
end
local function now() return timestamp(clock()) end
