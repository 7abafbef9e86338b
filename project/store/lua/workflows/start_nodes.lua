-- Makes jobs of nodes of a workflow that are ready. ARGV: id, at most so many -> 1 when there are more, else 0
even_if_full()
local workflow, at = load_workflow(ARGV[1]), now()
local has_more = start_ready_nodes(workflow, at, tonumber(ARGV[2]))
end_if_over(workflow, at)
return has_more and 1 or 0
