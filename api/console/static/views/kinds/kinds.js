// The kinds of job: how each does, and a page for each with all that belongs to it.

import { pathOf as pathOfCause, stateBadge } from "../../causes.js";
import { stacks } from "../../charts.js";
import { fill, h, kindLink, moment, number, span, table } from "../../dom.js";
import { at, get } from "../../http.js";
import { keep } from "../../live.js";
import { orderForm } from "./kind.js";
import { tableOf as tableOfLimits } from "../operations/limits.js";
import { payloadTable } from "./payload-words.js";
import { rows } from "../jobs/rows.js";
import { tableOf as tableOfSchedules } from "../../schedules.js";
import { tableOfBreakers } from "../operations/switches.js";

const EVERY = 5_000;
const DAY = 86_400;
const DAYS = 30;
const FINAL = ["success", "failed", "cancelled"];
const STATUSES = ["pending", "running", "retrying", "waiting", ...FINAL];

export function kinds(page) {
  return page.id ? one(page) : list(page);
}

// --- all of them

function list(page) {
  const place = h("div", { "aria-busy": "true" });
  drawList(page, place);
  return [
    h("h1", null, "Kinds"),
    h("p", { class: "help" }, "What jobs there are, and how they do. Shares and times are of all jobs since counting began."),
    place,
  ];
}

async function drawList(page, place) {
  const offered = (await get("/kinds", page.signal).catch((problem) => (page.fail(problem), { kinds: [] }))).kinds;
  const draw = ({ kinds: counted }) => {
    const names = [...new Set([...offered, ...counted].map(({ kind }) => kind))].sort();
    const known = new Map(counted.map((each) => [each.kind, each]));
    const about = new Map(offered.map((each) => [each.kind, each]));
    fill(place, tableOf(names.map((kind) => ({ kind, summary: about.get(kind)?.summary, ...known.get(kind) }))));
    place.removeAttribute("aria-busy");
  };
  if (page.sees.all) keep(page, "/kinds/counts", EVERY, draw);
  else draw({ kinds: [] });
}

function tableOf(found) {
  const jobs = (title, ...statuses) => [title, ({ kind, jobs: counts }) => {
    const sum = statuses.reduce((total, status) => total + (counts?.[status] ?? 0), 0);
    return sum > 0 && statuses.length === 1 ? h("a", { href: at("/console/jobs", { kind, status: statuses[0] }) }, number(sum)) : number(sum);
  }, "number"];
  return h("div", { class: "list" }, table("Kinds", [
    ["Kind", ({ kind, summary }) => [kindLink(kind), summary && h("span", { class: "at one-line" }, summary)], "about"],
    jobs("Waiting", "pending", "retrying", "waiting"), jobs("Running", "running"), jobs("Success", "success"), jobs("Failed", "failed"),
    ["Failed, of all", (each) => shareOf(each), "number"],
    ["Run p50", ({ run }) => time(run?.p50), "number"], ["Run p95", ({ run }) => time(run?.p95), "number"],
    ["Queues", ({ queues }) => (queues ?? []).join(", ")],
  ], found, "No kind of job is known."));
}

function time(seconds) {
  return seconds === null || seconds === undefined ? "–" : span(seconds);
}

function shareOf({ succeeded = 0, failed = 0 }) {
  return succeeded + failed ? `${((100 * failed) / (succeeded + failed)).toFixed(1)} %` : "–";
}

// --- one of them

function one(page) {
  const [head, trend, causes, held, orders, recent] = Array.from({ length: 6 }, () => h("section", { class: "list" }));
  head.setAttribute("aria-busy", "true");
  const { id: kind } = page;
  document.title = `${kind} · Continuo`;
  drawOrders(page, kind, head, orders);
  drawTrend(page, kind, trend);
  keep(page, at("/tasks", { kind, limit: 10 }), EVERY, ({ tasks }) => fill(recent, h("h2", null, "Newest jobs"), rows(tasks),
    h("p", null, h("a", { href: at("/console/jobs", { kind }) }, "All of them, with filters"))));
  if (page.sees.all) {
    keep(page, at("/errors", { kind, state: "open", limit: 10 }), EVERY, ({ errors }) => fill(causes, h("h2", null, "Why they fail"), tableOfCauses(errors)));
    drawHeld(page, kind, held);
  }
  return [h("h1", null, "Kind ", kind), head, trend, causes, recent, held, orders];
}

/** What the kind takes, and the form; nothing of a kind that cannot be ordered over HTTP. */
async function drawOrders(page, kind, head, orders) {
  const { kinds: offered } = await get("/kinds", page.signal).catch((problem) => (page.fail(problem), { kinds: [] }));
  const about = offered.find((each) => each.kind === kind);
  const draw = ({ kinds: counted }) => {
    fill(head, aboutOf(kind, about, counted.find((each) => each.kind === kind)));
    head.removeAttribute("aria-busy");
  };
  if (about) fill(orders, h("h2", null, "Payload"), payloadTable(about),
    page.may(`submit=${kind}`) && h("details", { "data-mark": "order" }, h("summary", null, "Order one"), orderForm(page, { kind, isAlone: true })));
  if (page.sees.all) keep(page, "/kinds/counts", EVERY, draw);
  else draw({ kinds: [] });
}

function aboutOf(kind, about, counts) {
  const row = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
  const times = ({ p50, p95, p99 }) => [p50, p95, p99].map(time).join(", ");
  return h("div", { class: "card head" },
    h("p", null, about ? [about.summary, ". Ordered with ", h("code", null, `POST ${about.path}`), "."] : "It is not ordered over HTTP."),
    counts && [
      h("p", null, STATUSES.filter((status) => counts.jobs[status]).map((status) =>
        [h("a", { class: `badge ${status}`, href: at("/console/jobs", { kind, status }) }, `${number(counts.jobs[status])} ${status}`), " "])),
      h("dl", null, row("Failed, of all", `${shareOf(counts)} of ${number(counts.succeeded + counts.failed)}`),
        row("Run p50, p95, p99", times(counts.run)), row("Wait p50, p95, p99", times(counts.wait)), row("Queues", counts.queues.join(", "))),
    ]);
}

async function drawTrend(page, kind, place) {
  const end = Math.ceil(Date.now() / 1000 / DAY) * DAY;
  try {
    const { sums } = await get(at("/history/summary", { from: end - DAYS * DAY, to: end, by: "kind_status", interval: "day" }), page.signal);
    const mine = sums.filter((sum) => sum.kind === kind);
    const countOf = (start, status) => mine.find((sum) => sum.start === start && sum.status === status)?.count ?? 0;
    const points = Array.from({ length: DAYS }, (_, day) => ({ at: end - (DAYS - day) * DAY }));
    fill(place, h("div", { class: "narrow" }, stacks("Jobs that ended, by day", points, FINAL.map((status) => [status, (point) => countOf(point.at, status)]), `in the last ${DAYS} days`)));
  } catch (problem) {
    if (problem.status !== 404) page.fail(problem); // without a history there is no chart
  }
}

function tableOfCauses(causes) {
  return table("Causes", [
    ["Cause", (cause) => h("a", { href: pathOfCause(cause.fingerprint), class: "one-line", title: cause.headline }, cause.headline), "about"],
    ["Jobs", (cause) => number(cause.count), "number"],
    ["Last", (cause) => moment(cause.last)],
    ["State", stateBadge],
  ], causes, "No cause is open.");
}

/** The limits, the breaker and the schedules of the kind; nothing where there are none. */
async function drawHeld(page, kind, place) {
  try {
    const [{ limits }, { breakers }, { schedules }] = await Promise.all([
      get("/limits", page.signal), get("/breakers", page.signal), get(at("/schedules", { limit: 100 }), page.signal)]);
    const parts = [
      ["Limits", tableOfLimits, limits.filter((each) => each.limit.kind === kind)],
      ["Breaker", tableOfBreakers, breakers.filter((each) => each.kind === kind)],
      ["Schedules", tableOfSchedules, schedules.filter((each) => each.order.kind === kind)],
    ];
    fill(place, parts.filter(([, , found]) => found.length).map(([title, draw, found]) => [h("h2", null, title), draw(found)]));
  } catch (problem) {
    page.fail(problem);
  }
}
