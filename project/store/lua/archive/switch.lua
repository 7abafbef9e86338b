-- Turns the history on or off for all. ARGV: 1 or 0
if ARGV[1] == '1' then
  redis.call('SET', ARCHIVE_ON, 1)
else
  redis.call('DEL', ARCHIVE_ON, UNARCHIVED)
end
return 1
