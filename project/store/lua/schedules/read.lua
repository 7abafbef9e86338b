-- ARGV: name -> the time now, the schedule (see describe_schedule; empty when there is none)
return { now(), describe_schedule(ARGV[1]) }
