// How many jobs ended, and how long they waited and ran: the last hour from Redis, up to 90 days from the history.

import { lines, stacks } from "../../charts.js";
import { fill, h, number, span, table } from "../../dom.js";
import { at, get } from "../../http.js";
import { isPointedAt } from "../../plot.js";
import { addressWith, boundsOf, groupings, scopeOf } from "./scope.js";

const FINAL = ["success", "failed", "cancelled"];
const PARTS = [["99 of 100", "p99"], ["95 of 100", "p95"], ["half", "p50"]];
const NEEDS_HISTORY = "More than the last hour, and the jobs of one kind, queue, lane or tenant, are only known with the history: set CONTINUO_HISTORY=1 for API and workers.";

export async function drawTrends(page, place) {
  if (isPointedAt(place)) return;
  const scope = scopeOf(page);
  try {
    const parts = await Promise.all([scope.isLive ? lastHour(page, scope) : chartsOf(page, scope), groupsOf(page, scope)]);
    if (!isPointedAt(place)) fill(place, parts);
  } catch (problem) {
    if (problem.status === 404) fill(place, h("p", { class: "help" }, NEEDS_HISTORY));
    else page.fail(problem);
  }
}

const zoomOf = (page) => (from, to) => page.go(addressWith(page, { from: Math.round(from), to: Math.round(to) }));

function charts(...drawn) {
  return [h("div", { class: "charts" }, drawn),
    h("p", { class: "help" }, "Drag over a chart to look closer, or choose with Shift and the arrow keys, then Enter.")];
}

async function lastHour(page, { isChosen, from, to, when }) {
  if (!page.sees.all) return [];
  const { minutes } = await get("/queue/history", page.signal);
  const shown = minutes.filter((one) => !isChosen || (one.at >= from && one.at < to));
  return charts(
    stacks("Jobs that ended, by minute", shown, FINAL.map((name) => [name, (one) => one[name]]), when, zoomOf(page)),
    lines("Wait before an attempt, by minute", shown, [["95 of 100", (one) => one.wait_p95], ["half", (one) => one.wait_p50]], span, when, zoomOf(page)));
}

const ask = (page, filter, { start, end }, by, interval) => get(at("/history/summary", { ...filter, from: start, to: end, by, interval }), page.signal);

async function chartsOf(page, scope) {
  const { filter, interval, when } = scope;
  const bounds = boundsOf(scope);
  const { sums } = await ask(page, filter, bounds, "status", interval);
  const points = pointsOf(sums, bounds);
  const zoom = interval === "minute" && points.length < 4 ? null : zoomOf(page);
  const times = (title, name) => lines(title, points, PARTS.map(([part, field]) => [part, (point) => point.success?.[name][field] ?? null]), span, when, zoom);
  return charts(
    stacks(`Jobs that ended, by ${interval}`, points, FINAL.map((name) => [name, (point) => point[name]?.count ?? 0]), when, zoom),
    times(`Wait of jobs that succeeded, by ${interval}`, "wait"),
    times(`Run time of jobs that succeeded, by ${interval}`, "run"));
}

/** A point for each interval, also for those in which nothing ended. */
function pointsOf(sums, { start, end, length }) {
  const found = new Map();
  for (const sum of sums) found.set(sum.start, { ...found.get(sum.start), [sum.status]: sum });
  const first = Math.floor(start / length) * length;
  return Array.from({ length: Math.ceil((end - first) / length) }, (_, place) => ({ at: first + place * length, ...found.get(first + place * length) }));
}

/** The table below the charts; none of the last hour where there is no history. */
async function groupsOf(page, scope) {
  const { filter, by, isLive, when } = scope;
  const bounds = boundsOf(scope);
  const sums = await Promise.all([by, `${by}_status`].map((name) => ask(page, filter, bounds, name, "all")))
    .catch((problem) => (isLive && problem.status === 404 ? null : Promise.reject(problem)));
  if (!sums) return null;
  const [groups, outcomes] = sums;
  return [h("h2", null, `${NAMES[by]} ${when}`), groupings(page), tableOf(page, by, groups.sums, outcomes.sums)];
}

const NAMES = { kind: "Kinds", queue: "Queues", lane: "Lanes", tenant: "Tenants" };

function tableOf(page, by, groups, outcomes) {
  const failed = new Map(outcomes.filter((sum) => sum.status === "failed").map((sum) => [sum[by], sum.count]));
  const time = (title, name, part) => [title, (sum) => (sum[name][part] === null ? "–" : span(sum[name][part])), "number"];
  return table(`Ended jobs by ${by}`, [
    [NAMES[by].slice(0, -1), (sum) => (sum[by] ? h("a", { href: addressWith(page, { [by]: sum[by] }) }, sum[by]) : `no ${by}`)],
    ["Jobs", (sum) => number(sum.count), "number"],
    ["Failed", (sum) => `${number(failed.get(sum[by]) ?? 0)} (${((100 * (failed.get(sum[by]) ?? 0)) / sum.count).toFixed(1)} %)`, "number"],
    ...["wait", "run"].flatMap((name) => ["p50", "p95", "p99"].map((part) => time(`${name === "wait" ? "Wait" : "Run"} ${part}`, name, part))),
  ], [...groups].sort((one, other) => other.count - one.count), "No job ended in this time, or none is archived yet.");
}
