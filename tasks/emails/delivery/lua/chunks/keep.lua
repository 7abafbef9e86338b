-- Let all keys of a mailing expire.
-- ARGV: mailing, seconds
-- Returns: 1
keep(ARGV[1], ARGV[2])
return 1
