-- Lets the lanes of lists take turns that have messages and do neither that nor wait for a limit. ARGV: lists -> 1
even_if_full()
for _, list in ipairs(ARGV) do
  local queue, lane = queue_of(list), lane_of(list)
  if redis.call('EXISTS', unpack(lists_of(queue, lane))) > 0 then
    join_lanes(queue, lane)
    wake_worker(queue)
  end
end
return 1
