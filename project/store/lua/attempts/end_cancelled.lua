-- A running attempt ends because it was asked to. ARGV: id, token -> verdict
local job = load(ARGV[1])
local may = verdict(job, ARGV[2], 'cancelled')
if may == 'go' then cancel(job, now()) end
return may
