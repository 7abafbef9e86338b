-- What a worker said last that it runs: as_of, running (serial -> true), settled (process -> claim); nil if it said nothing.
local function load_report(worker)
  local text = redis.call('GET', report_key(worker))
  if not text then return nil end
  local report, serials = cjson.decode(text), {}
  for _, serial in ipairs(report.running) do serials[serial] = true end
  report.running = serials
  if report.as_of > tonumber(now()) then return nil end -- the clock has been set back: the next report tells more
  return report
end

-- Whether a claim of a pool process is over: true | false | nil (it is no such claim, or its process is gone)
local function is_claim_over(report, serial)
  if report.running[serial] then return false end
  local process, place = serial:match('^(p.*)%.(%d+)$')
  local settled = process and report.settled[process]
  if not settled then return nil end
  return tonumber(place) < settled
end
