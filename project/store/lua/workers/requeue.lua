-- A worker gives messages back, nobody's fault. ARGV: worker, serials ... -> what became of each
even_if_full()
local worker, fates = ARGV[1], {}
for i = 2, #ARGV do fates[#fates + 1] = give_back_held(worker, ARGV[i], '') end
return fates
