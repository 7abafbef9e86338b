// How long a workflow must take: the longest way through its graph, in time.

import { listChildren } from "./layout.js";

/** Seconds that a node was queued and that it ran, until now if it goes on; null for what has not begun. */
export function timesOf({ created_at: made, started_at: started, finished_at: ended }, now) {
  if (made === null) return { queued: null, ran: null };
  const until = ended ?? now;
  return { queued: Math.max((started ?? until) - made, 0), ran: started === null ? null : Math.max(until - started, 0) };
}

/** The critical path: `{seconds, ids}`. The nodes on it, one after the other, take longer than those on any other path. */
export function findCriticalPath(nodes, now) {
  const [longest, previous] = [new Map(), new Map()];
  const children = listChildren(nodes);
  let last = null;
  for (const node of nodes) {
    const { queued, ran } = timesOf(node, now);
    const total = (longest.get(node.id) ?? 0) + (queued ?? 0) + (ran ?? 0);
    longest.set(node.id, total);
    if (total > (longest.get(last) ?? 0)) last = node.id;
    for (const child of children.get(node.id)) {
      if (total <= (longest.get(child) ?? 0)) continue;
      longest.set(child, total);
      previous.set(child, node.id);
    }
  }
  const ids = [];
  for (let id = last; id; id = previous.get(id)) ids.unshift(id);
  return { seconds: longest.get(last) ?? 0, ids };
}
