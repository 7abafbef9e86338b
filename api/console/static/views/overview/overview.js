// How it is going, at a glance.

import { readCauses } from "../../causes.js";
import { fill, h, number } from "../../dom.js";
import { at, get } from "../../http.js";
import { rest, seldom, watch } from "../../live.js";
import { firstJob } from "./first.js";
import { showNeeds } from "./needs.js";
import { tableOf as queueTable } from "./queues.js";
import { rows } from "../jobs/rows.js";
import { choices } from "./scope.js";
import { drawTrends } from "./trends.js";
import { tableOf as workerTable } from "../operations/workers.js";

const STATUSES = ["pending", "running", "retrying", "success", "failed", "cancelled", "waiting"];
const CHARTS_EVERY = 15_000;

export function overview(page) {
  const counts = h("section", { class: "counts", "aria-label": "Jobs by status" });
  const first = h("div");
  const needs = h("section", { "aria-label": "What needs a person now" });
  const charts = h("div");
  const pool = h("div");
  const newest = h("div");
  const refresh = seldom(() => load(page, first, counts, pool, newest), 1_000, page.signal);
  refresh();
  watch("/events", { signal: page.signal, state: page.state, hear: ({ name }) => name !== "snapshot" && refresh() });
  repeat(page, needs, charts, refresh);
  return [h("h1", null, "Overview"), first, needs, counts,
    h("section", { "aria-label": "Rates and times" }, choices(page), charts), pool,
    h("section", { class: "list" }, h("h2", null, "Newest jobs"), newest)];
}

/** Also when nothing happens: minutes pass, workers come and go. */
async function repeat(page, needs, charts, refresh) {
  while (!page.signal.aborted) {
    if (!document.hidden) {
      refresh();
      await Promise.all([page.sees.all && showNeeds(page, needs), drawTrends(page, charts)]);
    }
    await rest(CHARTS_EVERY, page.signal);
  }
}

async function load(page, first, counts, pool, newest) {
  const all = page.sees.all;
  try {
    const [stats, found, causes, { queues }, { workers }] = await Promise.all([
      get("/queue/stats", page.signal),
      get(at("/tasks", { limit: 10 }), page.signal),
      readCauses(page),
      all ? get("/queues", page.signal) : { queues: [] },
      all ? get("/workers", page.signal) : { workers: [] },
    ]);
    if (!stats.total_tasks && !first.hasChildNodes()) first.append(firstJob(page));
    first.hidden = stats.total_tasks > 0;
    fill(counts, STATUSES.map((status) => count(status, stats.status_counts[status] ?? 0)));
    if (all) {
      fill(pool,
        h("section", null, h("h2", null, "Queues"), queueTable(queues)),
        h("section", null, h("h2", null, "Workers"), workerTable(workers)));
    }
    fill(newest, rows(found.tasks, causes));
  } catch (problem) {
    page.fail(problem);
  }
}

function count(status, value) {
  return h("a", { class: `count ${status}`, href: `/console/jobs?status=${status}` },
    h("strong", null, number(value)), h("span", null, status));
}
