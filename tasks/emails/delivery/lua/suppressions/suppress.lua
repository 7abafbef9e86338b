-- Add addresses to the suppression list; an address on the list keeps its reason.
-- ARGV: reason, then addresses
-- Returns: the number of new addresses
local added = 0
for i = 2, #ARGV do added = added + suppress(ARGV[i], ARGV[1]) end
return added
