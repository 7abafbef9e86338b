-- Find the uploaded chunks that have a recipient.
-- ARGV: mailing, JSON of the recipient, then chunks
-- Returns: those of the chunks
local rows, text, found = rows_key(ARGV[1]), ARGV[2], {}
for i = 3, #ARGV do
  local chunk = redis.call('HGET', rows, ARGV[i])
  if chunk and chunk:lower():find(text, 1, true) then found[#found + 1] = ARGV[i] end
end
return found
