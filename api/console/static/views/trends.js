// How many jobs ended, and how long they waited and ran: the last hour from Redis, up to 90 days from the history.

import { lines, stacks } from "../charts.js";
import { fill, h, number, span, table } from "../dom.js";
import { at, get } from "../http.js";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const FINAL = ["success", "failed", "cancelled"];
const PARTS = [["99 of 100", "p99"], ["95 of 100", "p95"], ["half", "p50"]];

/** Name -> words, seconds, and the interval of its points. The first is not from the history. */
const RANGES = {
  hour: ["the last hour", HOUR],
  day: ["the last 24 hours", DAY, "hour"],
  week: ["the last 7 days", 7 * DAY, "hour"],
  month: ["the last 30 days", 30 * DAY, "day"],
  quarter: ["the last 90 days", 90 * DAY, "day"],
};

export function rangeOf(page) {
  const asked = page.query.get("range");
  return asked in RANGES ? asked : "hour";
}

export function ranges(page) {
  return h("nav", { class: "chips", "aria-label": "Time of the charts" }, Object.entries(RANGES).map(([name, [words]]) =>
    h("a", { class: "chip", href: name === "hour" ? "/" : `/?range=${name}`, "aria-current": name === rangeOf(page) ? "true" : null }, words)));
}

export async function drawTrends(page, range, place) {
  try {
    fill(place, range === "hour" ? await lastHour(page) : await fromHistory(page, ...RANGES[range]));
  } catch (problem) {
    if (problem.status === 404) fill(place, h("p", { class: "help" }, "More than the last hour is only known with the history: set CONTINUO_HISTORY=1 for API and workers."));
    else page.fail(problem);
  }
}

async function lastHour(page) {
  if (!page.sees.all) return [];
  const { minutes } = await get("/queue/history", page.signal);
  return [h("div", { class: "charts" },
    stacks("Jobs that ended, by minute", minutes, FINAL.map((name) => [name, (one) => one[name]])),
    lines("Wait before an attempt, by minute", minutes, [["95 of 100", (one) => one.wait_p95], ["half", (one) => one.wait_p50]], span))];
}

async function fromHistory(page, words, seconds, interval) {
  const end = Math.ceil(Date.now() / 1000 / HOUR) * HOUR;
  const ask = (by, how) => get(at("/history/summary", { from: end - seconds, to: end, by, interval: how }), page.signal);
  const [ends, kinds, outcomes] = await Promise.all([ask("status", interval), ask("kind", "all"), ask("kind_status", "all")]);
  const points = pointsOf(ends.sums, end - seconds, end, interval === "hour" ? HOUR : DAY);
  const by = `by ${interval}`;
  const when = `in ${words}`;
  const times = (title, name) => lines(title, points, PARTS.map(([part, field]) => [part, (point) => point.success?.[name][field] ?? null]), span, when);
  return [
    h("div", { class: "charts" },
      stacks(`Jobs that ended, ${by}`, points, FINAL.map((name) => [name, (point) => point[name]?.count ?? 0]), when),
      times(`Wait of jobs that succeeded, ${by}`, "wait"),
      times(`Run time of jobs that succeeded, ${by}`, "run")),
    h("h2", null, `Kinds in ${words}`),
    tableOf(kinds.sums, outcomes.sums),
  ];
}

/** A point for each interval, also for those in which nothing ended. */
function pointsOf(sums, start, end, seconds) {
  const found = new Map();
  for (const sum of sums) found.set(sum.start, { ...found.get(sum.start), [sum.status]: sum });
  const first = Math.floor(start / seconds) * seconds;
  return Array.from({ length: Math.ceil((end - first) / seconds) }, (_, place) => ({ at: first + place * seconds, ...found.get(first + place * seconds) }));
}

function tableOf(kinds, outcomes) {
  const failed = new Map(outcomes.filter((sum) => sum.status === "failed").map((sum) => [sum.kind, sum.count]));
  const time = (title, name, part) => [title, (sum) => (sum[name][part] === null ? "–" : span(sum[name][part])), "number"];
  return table("Kinds", [
    ["Kind", (sum) => h("a", { href: at("/console/history", { kind: sum.kind }) }, sum.kind)],
    ["Jobs", (sum) => number(sum.count), "number"],
    ["Failed", (sum) => `${number(failed.get(sum.kind) ?? 0)} (${((100 * (failed.get(sum.kind) ?? 0)) / sum.count).toFixed(1)} %)`, "number"],
    ...["wait", "run"].flatMap((name) => ["p50", "p95", "p99"].map((part) => time(`${name === "wait" ? "Wait" : "Run"} ${part}`, name, part))),
  ], [...kinds].sort((one, other) => other.count - one.count), "No job ended in this time, or none is archived yet.");
}
