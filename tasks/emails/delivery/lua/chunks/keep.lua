-- All of a blast is forgotten after so many seconds. ARGV: blast, seconds
keep(ARGV[1], ARGV[2])
return 1
