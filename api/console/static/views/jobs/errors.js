// Why jobs failed: the causes, and a page for each.

import { forgetCauses, pathOf, stateBadge } from "../../causes.js";
import { stacks } from "../../charts.js";
import { fill, h, jobLink, moment, number, s, table } from "../../dom.js";
import { at, get, patch } from "../../http.js";
import { keep, once } from "../../live.js";
import { exact } from "../../times.js";
import { actOnAll } from "./many.js";
import { rows } from "./rows.js";
import { traceback } from "../job/traceback.js";

const EVERY = 5_000;
const STATES = ["open", "resolved", "ignored"];
const HOUR = 3_600;
const IGNORE = [["an hour", HOUR], ["a day", 24 * HOUR], ["a week", 7 * 24 * HOUR], ["for good", null]];

export function errors(page) {
  return page.id ? one(page) : list(page);
}

// --- all of them

function list(page) {
  const state = page.query.get("state") ?? "open";
  const place = h("div", { "aria-busy": "true" });
  const wanted = { state: STATES.includes(state) ? state : "", kind: page.query.get("kind") ?? "" };
  keep(page, at("/errors", { ...wanted, limit: 1_000 }), EVERY, ({ errors: causes }) => {
    fill(place, tableOf(causes, state));
    place.removeAttribute("aria-busy");
  });
  return [
    h("h1", null, "Errors"),
    h("p", { class: "help" }, "Jobs that failed for good, by why they failed. The newest is first."),
    h("nav", { class: "chips", "aria-label": "States" }, [...STATES, "all"].map((name) =>
      h("a", { class: "chip", href: at("/console/errors", { state: name, kind: wanted.kind }), "aria-current": name === state ? "true" : null }, name)),
      wanted.kind && h("a", { class: "chip", href: at("/console/errors", { state }), "aria-label": `Kind ${wanted.kind}: remove` }, `kind ${wanted.kind} ×`)),
    place,
  ];
}

function tableOf(causes, state) {
  return h("div", { class: "list" }, table("Causes", [
    ["Cause", (cause) => h("a", { href: pathOf(cause.fingerprint), class: "one-line", title: cause.headline }, cause.headline), "about"],
    ["Jobs", (cause) => number(cause.count), "number"],
    ["Last 24 hours", (cause) => spark(cause.last_day)],
    ["Kinds", (cause) => kinds(cause)],
    ["Last", (cause) => moment(cause.last)],
    ["State", (cause) => stateBadge(cause)],
  ], causes, state === "open" ? "No cause is open: nothing failed for good, or all of it is settled." : "No cause is like that."));
}

function kinds(cause) {
  const names = Object.keys(cause.kinds);
  return names.slice(0, 3).map((kind) => h("a", { class: "tag", href: at("/console/errors", { state: "all", kind }) }, kind))
    .concat(names.length > 3 ? ` and ${names.length - 3} more` : "");
}

/** The failures of each hour of the last day, as columns. */
function spark(hours) {
  const top = Math.max(...hours, 1);
  const total = number(hours.reduce((sum, count) => sum + count, 0));
  return h("span", { class: "sparked" },
    s("svg", { class: "spark failed", viewBox: "0 0 96 20", role: "img", "aria-label": `${total} in the last 24 hours` },
      s("line", { class: "grid", x1: 0, x2: 96, y1: 19.5, y2: 19.5 }),
      hours.map((count, place) => count > 0 && s("rect", { x: place * 4, width: 3, y: 19 - (count / top) * 18, height: (count / top) * 18 }))),
    h("span", { class: "at" }, total));
}

// --- one of them

function one(page) {
  const place = h("div", { "aria-busy": "true" });
  const path = `/errors/${encodeURIComponent(page.id)}`;
  const show = async (cause) => {
    const [example, jobs] = await Promise.all([
      get(`/tasks/${encodeURIComponent(cause.job)}`, page.signal).catch(() => null),
      get(at("/tasks", { cause: page.id, status: "failed", limit: 10 }), page.signal),
    ]).catch((problem) => (page.fail(problem), [null, { tasks: [] }]));
    document.title = `${cause.headline} · Continuo`;
    fill(place, about(page, cause, (change) => set(page, path, change, draw)), hours(cause), exampleOf(cause, example), others(page, cause, jobs));
    place.removeAttribute("aria-busy");
  };
  const draw = (cause) => show(cause).catch(page.fail);
  keep(page, path, EVERY, draw);
  return [h("h1", null, "Cause ", h("span", { class: "mono" }, page.id)), place];
}

function about(page, cause, change) {
  const row = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
  return h("section", { class: "card head", "aria-label": "Cause" },
    h("p", { class: "state" }, stateBadge(cause), " ", h("strong", null, cause.headline)),
    cause.state === "ignored" && h("p", null, "Ignored ", cause.ignored_until === null ? "for good" : ["until ", exact(cause.ignored_until)], "."),
    h("dl", null,
      row("Jobs", number(cause.count)), row("First", moment(cause.first)), row("Last", moment(cause.last)),
      row("Came back", `${number(cause.regressions)} times`),
      row("Kinds, last 7 days", Object.entries(cause.kinds).map(([kind, count]) => `${kind} ${number(count)}`).join(", ") || "–")),
    page.may("control") && buttons(page, cause, change));
}

function buttons(page, cause, change) {
  const button = (words, act, look) => h("button", { type: "button", class: look, "data-mark": words, onclick: act }, words);
  const ignore = h("select", { "aria-label": "Ignore", "data-mark": "ignore", onchange: (event) => {
    const [, seconds] = IGNORE[event.target.value];
    change({ state: "ignored", ignored_until: seconds && Math.round(Date.now() / 1000 + seconds) });
  } }, h("option", { value: "" }, "Ignore…"), IGNORE.map(([words], place) => h("option", { value: place }, words)));
  return h("div", { class: "buttons" },
    cause.state === "open"
      ? [button("Resolve", () => change({ state: "resolved" }), "first"), ignore]
      : button("Open again", () => change({ state: "open" }), "first"),
    button("Retry all…", () => actOnAll(page, "retry", { cause: cause.fingerprint, status: "failed" })),
    button("Cancel reruns…", () => actOnAll(page, "cancel", { cause: cause.fingerprint })));
}

async function set(page, path, change, draw) {
  try {
    await patch(path, change);
    forgetCauses();
    page.say({ open: "The cause is open.", resolved: "Resolved: the next failure opens it again.", ignored: "Ignored." }[change.state]);
    await once(page, path, draw);
  } catch (problem) {
    page.fail(problem);
  }
}

function hours(cause) {
  const now = Math.floor(Date.now() / 1000 / HOUR);
  const counts = new Map(cause.hours.map(({ at: when, count }) => [when / HOUR, count]));
  const points = Array.from({ length: 7 * 24 }, (_, place) => ({ at: (now - 7 * 24 + 1 + place) * HOUR, count: counts.get(now - 7 * 24 + 1 + place) ?? 0 }));
  return h("section", { class: "narrow" }, stacks("Failures by hour", points, [["failed", (point) => point.count]], "in the last 7 days"));
}

function exampleOf(cause, example) {
  const error = example?.status === "failed" ? example.error : example?.errors?.at(-1)?.traceback;
  return h("section", { class: "card" }, h("h2", null, "An example"),
    example ? h("p", null, `${example.kind}, `, jobLink(example.id)) : h("p", { class: "help" }, "The record of the example is deleted."),
    error ? traceback(error, "example") : cause.frames.length > 0 && h("pre", { tabindex: 0 }, cause.frames.join("\n")));
}

function others(page, cause, { tasks }) {
  const href = at("/console/jobs", { cause: cause.fingerprint, status: "failed" });
  return h("section", { class: "list" }, h("h2", null, "Jobs that failed because of it"), rows(tasks),
    tasks.length > 0 && h("p", null, h("a", { href }, "All of them, with filters")));
}
