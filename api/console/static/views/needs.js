// What needs a person now, with what to do about it.

import { isNews, pathOf, readCauses } from "../causes.js";
import { fill, h, number, span } from "../dom.js";
import { at, get } from "../http.js";

const LATE_SECONDS = 60;
const MAX_ITEMS = 5;

/** Fills the place with what is the matter; for those who see everything. */
export async function showNeeds(page, place) {
  try {
    const [causes, { queues }, { workers }, { switches }, { schedules }] = await Promise.all([
      readCauses(page),
      get("/queues", page.signal),
      get("/workers", page.signal),
      get("/switches", page.signal),
      get(at("/schedules", { limit: 20 }), page.signal),
    ]);
    const items = [...newCauses(causes), ...stuck(queues, workers), ...held(switches), ...late(schedules)];
    fill(place, h("h2", null, "What needs a person now"),
      items.length ? h("ul", { class: "needs" }, items) : h("p", { class: "help" }, "Nothing: no new cause of failures, no stuck queue, no late schedule."));
  } catch (problem) {
    page.fail(problem);
  }
}

function item(look, link, href, rest) {
  return h("li", { class: `card ${look}` }, h("a", { href, class: "one-line" }, link), h("span", { class: "at" }, rest));
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
    const jobs = `${number(queue.waiting)} ${queue.waiting === 1 ? "job waits" : "jobs wait"}`;
    if (queue.paused) return [item("retrying", `The queue ${queue.name} is paused`, "/console/queues", `${jobs} until somebody resumes it`)];
    if (!queue.workers) return [item("failed", `No worker takes from the queue ${queue.name}`, "/console/queues", `${jobs}: start a worker for it, or cancel them`)];
    return [];
  });
}

function held(switches) {
  return switches.filter((one) => one.jobs_held).map((one) =>
    item("retrying", `The switch ${one.name} holds jobs back`, "/console/limits", `${number(one.jobs_held)} of them, until it ends or is deleted`));
}

function late(schedules) {
  return schedules.filter((one) => one.late > LATE_SECONDS).map((one) =>
    item("retrying", `The schedule ${one.name} is late`, `/console/schedules/${encodeURIComponent(one.name)}`, `by ${span(one.late)}: workers fire schedules, see whether they live`));
}
