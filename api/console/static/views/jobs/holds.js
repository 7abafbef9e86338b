// Why a job does not run: what holds it back, since when, until when, and where somebody can change that.

import { h, moment } from "../../dom.js";
import { get } from "../../http.js";

const LONGEST = 3_000;
const WAITS = ["pending", "retrying", "waiting"];
const SORT = /^(switch|breaker|host):(.+)$/; // what else than a limit
const NONE = { queues: new Map(), switches: new Map() };
let known = { at: 0, holds: NONE };

/** What may hold these jobs back, at most three seconds old; nothing for those who may not see it, or when none waits. */
export async function readHolds(page, tasks) {
  if (!page.sees.all || !tasks.some(({ status }) => WAITS.includes(status))) return NONE;
  if (Date.now() - known.at < LONGEST) return known.holds;
  const [{ queues }, { switches }] = await Promise.all([get("/queues", page.signal), get("/switches", page.signal)]);
  const byName = (all) => new Map(all.map((one) => [one.name, one]));
  known = { at: Date.now(), holds: { queues: byName(queues), switches: byName(switches) } };
  return known.holds;
}

/** `{why, since, until, href}` of a job that waits, null of another; `since` and `until` in seconds, null when not known. */
export function holdOf(task, { queues, switches } = NONE) {
  const { status, due_at: due, held_by: holder } = task;
  if (!WAITS.includes(status)) return null;
  if (status === "waiting") return { why: task.wait?.kind === "sleep" ? "sleeps" : "waits for a signal", since: task.wait?.started_at ?? task.updated_at, until: task.wait?.ends_at ?? due };
  if (due !== null) return { why: status === "retrying" ? `waits for attempt ${task.attempts + 1}` : "waits for its time", since: task.updated_at, until: due, isDue: true };
  const queue = queues.get(task.queue);
  if (queue?.paused) return { why: `its queue is paused${queue.paused_by ? ` by ${queue.paused_by}` : ""}`, since: queue.paused_at, until: null, href: "/console/queues" };
  if (holder) {
    const [, sort = "limit", name = holder] = SORT.exec(holder) ?? [];
    const one = switches.get(holder) ?? switches.get(name);
    return { why: `held back by the ${sort} ${name}`, since: task.updated_at, until: one?.switch.until ?? null, href: "/console/limits" };
  }
  if (queue && !queue.workers) return { why: `no worker takes from the queue ${task.queue}`, since: task.updated_at, until: null, href: "/console/queues" };
  return { why: "waits for a worker", since: task.updated_at, until: null };
}

/** The same in words; on one line of a list without since when, which other columns tell. */
export function hold(task, holds, { isShort = false } = {}) {
  const one = holdOf(task, holds);
  if (!one) return null;
  return h(isShort ? "span" : "p", { class: "hold" },
    one.href ? h("a", { href: one.href }, one.why) : one.why,
    !isShort && one.since !== null && [", since ", moment(one.since)],
    one.until !== null && [one.isDue ? ", due " : ", until ", moment(one.until)]);
}
