// What needs a person now, with what to do about it.

import { isNews, pathOf, readCauses } from "../../causes.js";
import { fill, h, moment, number, size, span } from "../../dom.js";
import { at, get } from "../../http.js";

const LATE_SECONDS = 60;
const HISTORY_LATE_SECONDS = 900;
const FULL_SHARE = 0.8;
const MAX_ITEMS = 5;
const LIMITS = "/console/limits";

/** Fills the place with what is the matter; for those who see everything. */
export async function showNeeds(page, place) {
  const ask = (path) => get(path, page.signal);
  try {
    const [causes, { queues }, { workers }, { switches }, { limits }, { breakers }, { schedules }, { outboxes }, system] = await Promise.all([
      readCauses(page), ...["/queues", "/workers", "/switches", "/limits", "/breakers", at("/schedules", { limit: 20 }), "/outboxes", "/system"].map(ask),
    ]);
    const items = [
      ...full(system), ...stuck(queues, workers), ...newCauses(causes), ...open(breakers), ...switched(switches),
      ...stopped(limits), ...late(schedules), ...refused(outboxes), ...unreadable(system), ...unarchived(system),
    ];
    fill(place, h("h2", null, "What needs a person now"),
      items.length ? h("ul", { class: "needs" }, items) : h("p", { class: "help" }, "Nothing: no new cause of failures, no stuck queue, no late schedule."));
  } catch (problem) {
    page.fail(problem);
  }
}

function item(look, link, href, ...rest) {
  return h("li", { class: `card ${look}` }, h("a", { href, class: "one-line" }, link), h("span", { class: "at" }, rest));
}

const jobs = (count, what) => `${number(count)} ${count === 1 ? `job ${what}s` : `jobs ${what}`}`;

function full({ memory_used: used, memory_limit: limit, eviction }) {
  const items = [];
  if (limit > 0 && used / limit >= FULL_SHARE) {
    items.push(item("failed", `Redis is ${Math.round((100 * used) / limit)} % full`, "/console/jobs",
      `${size(used)} of ${size(limit)}: when it is full, orders are refused. Raise maxmemory, or keep ended jobs for less time`));
  }
  if (eviction && eviction !== "noeviction") {
    items.push(item("failed", `Redis deletes jobs when it is full (${eviction})`, "/console/jobs", "set maxmemory-policy noeviction"));
  }
  return items;
}

function newCauses(causes) {
  const news = [...causes.values()].filter(isNews).sort((one, other) => other.last - one.last);
  const shown = news.slice(0, MAX_ITEMS).map((cause) =>
    item("failed", cause.headline, pathOf(cause.fingerprint), `${cause.regressions ? "came back after it was resolved" : "new today"}: ${number(cause.count)} ${cause.count === 1 ? "job" : "jobs"}`));
  const more = news.length - shown.length;
  return more > 0 ? [...shown, item("failed", `${number(more)} more new causes`, "/console/errors", "resolve or ignore those that you know")] : shown;
}

function stuck(queues, workers) {
  if (!workers.length) return [item("failed", "No worker lives", "/console/workers", "jobs wait until you start one")];
  return queues.filter(({ waiting }) => waiting).flatMap((queue) => {
    const wait = jobs(queue.waiting, "wait");
    if (queue.paused) return [item("retrying", `The queue ${queue.name} is paused`, "/console/queues", `${wait} until somebody resumes it`)];
    if (!queue.workers) return [item("failed", `No worker takes from the queue ${queue.name}`, "/console/queues", `${wait}: start a worker for it, or cancel them`)];
    return [];
  });
}

function open(breakers) {
  return breakers.filter(({ stage }) => stage !== "closed").map((one) =>
    item("failed", `Jobs of the kind ${one.kind} are held back, as they fail`, at("/console/errors", { kind: one.kind }),
      one.stage === "open" ? ["tried again ", moment(one.until), ": mend the cause until then"] : "one job at a time is tried: the first that succeeds lets all run"));
}

/** What breakers hold back has its own line. */
function switched(switches) {
  return switches.filter((one) => one.jobs_held && !one.tries).map((one) =>
    item("retrying", `The switch ${one.name} holds jobs back`, LIMITS,
      `${jobs(one.jobs_held, "wait")} until `, one.switch.until === null ? "it is deleted" : ["it ends ", moment(one.switch.until)]));
}

/** Limits hold jobs back all day; one that allows nothing does so until somebody changes it. */
function stopped(limits) {
  return limits.filter((one) => one.jobs_held && one.limit.concurrency === 0).map((one) =>
    item("retrying", `The limit ${one.name} lets nothing run`, LIMITS, `${jobs(one.jobs_held, "wait")} in ${number(one.lanes_held)} ${one.lanes_held === 1 ? "lane" : "lanes"} until it is changed`));
}

function late(schedules) {
  return schedules.filter((one) => one.late > LATE_SECONDS).map((one) =>
    item("retrying", `The schedule ${one.name} is late`, `/console/schedules/${encodeURIComponent(one.name)}`, `by ${span(one.late)}: workers fire schedules, see whether they live`));
}

function refused(outboxes) {
  return outboxes.filter((one) => one.refused).map((one) =>
    item("failed", `The outbox ${one.name} has refused orders`, "/console/queues", `${number(one.refused)} of them: mend the cause, then order them again`));
}

function unreadable({ unreadable: count }) {
  return count ? [item("failed", "Messages that nobody can read", "/console/queues", `${number(count)} were put aside: what sends them is no Celery client, or another version`)] : [];
}

function unarchived({ unarchived: count, history_lag: lag }) {
  return lag > HISTORY_LATE_SECONDS ? [item("retrying", "The history is late", "/console/history", `${jobs(count, "wait")} to be archived, since ${span(lag)}: the log of the workers says why`)] : [];
}
