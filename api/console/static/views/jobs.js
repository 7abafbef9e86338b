// The list of jobs: every filter is in the address, a page at a time, live.

import { readCauses } from "../causes.js";
import { badge, bar, fill, h, jobLink, moment, number, span, table } from "../dom.js";
import { at, get } from "../http.js";
import { seldom, watch } from "../live.js";
import { actOnAll } from "./many.js";

const STATUSES = ["pending", "running", "retrying", "success", "failed", "cancelled", "waiting"];
const FILTERS = ["status", "kind", "queue", "tag", "cause", "error", "scheduled", "created_after", "created_before"];
const SCHEDULED = [["", "any"], ["true", "waits for its time"], ["false", "does not"]];
const FINAL = ["success", "failed", "cancelled"];
const CAN_RETRY = ["failed", "cancelled"];
const CAN_CANCEL = ["pending", "running", "retrying", "waiting"];

export function jobs(page) {
  const asked = Object.fromEntries(FILTERS.map((name) => [name, page.query.get(name) ?? ""]));
  const list = h("div", { class: "list", "aria-busy": "true" });
  const refresh = seldom(() => load(page, asked, list), 1_000, page.signal);
  refresh();
  follow(page, asked, refresh);
  return [h("h1", null, "Jobs"), filters(page, asked), many(page, asked), list];
}

function follow(page, { kind, status, queue }, refresh) {
  // Not by status: a job that gets another one leaves the list.
  const path = at("/events", { kind, queue });
  watch(path, { signal: page.signal, state: page.state, hear: ({ name }) => name !== "snapshot" && refresh() });
}

async function load(page, asked, list) {
  const cursor = page.query.get("cursor") ?? "";
  try {
    const [found, causes] = await Promise.all([get(at("/tasks", { ...asked, limit: 50, cursor }), page.signal), readCauses(page)]);
    fill(list, count(found, cursor), rows(found.tasks, causes), found.tasks.length ? null : older(asked), pager(page, found, cursor));
    list.removeAttribute("aria-busy");
  } catch (problem) {
    page.fail(problem);
  }
}

function count(found, cursor) {
  const words = found.total === null
    ? `${found.tasks.length} found in ${number(found.looked_at)} records looked at${found.next_cursor ? "; there are more" : ""}`
    : `${number(found.total)} ${found.total === 1 ? "job" : "jobs"}${cursor ? ", older ones" : ", newest first"}`;
  return h("p", { class: "count" }, words);
}

/** Where to look further when Redis has no such job. */
function older({ status, kind, queue, tag, error, created_after, created_before }) {
  const same = { kind, queue, tag, error, created_after, created_before, status: FINAL.includes(status) ? status : "" };
  return h("p", { class: "help" }, "Its record may be deleted already: ", h("a", { href: at("/console/history", same) }, "look in the history"), ".");
}

export function rows(tasks, causes = new Map()) {
  return table("Jobs", [
    ["Status", (task) => badge(task.status)],
    ["Kind", (task) => task.kind],
    ["Id", (task) => jobLink(task.id), "id"],
    ["Ordered", (task) => moment(task.created_at)],
    ["Attempts", (task) => `${task.attempts} of ${task.max_retries}`, "number"],
    ["Took", (task) => took(task), "number"],
    ["Note", (task) => about(task, causes), "about"],
  ], tasks, "No job is like that.");
}

function took({ started_at: start, finished_at: end }) {
  return start && end && end >= start ? span(end - start) : "";
}

function about(task, causes) {
  if (task.status === "running") return bar(task.progress);
  const cause = task.status === "failed" && causes.get(task.cause);
  if (cause) return h("a", { class: "one-line", href: at("/console/jobs", { cause: task.cause }), title: lastLine(task.error) }, cause.headline);
  const what = task.error && task.status !== "success"
    ? h("code", { class: "one-line" }, lastLine(task.error))
    : task.tags.map((tag) => h("span", { class: "tag" }, tag));
  return [due(task), what];
}

/** When a job that waits for its time is due; null for others. */
export function due({ due_at: at }) {
  if (at === null) return null;
  return h("span", { class: "due" }, "due ", moment(at), " ");
}

export function lastLine(error) {
  return error.trimEnd().split("\n").at(-1).slice(0, 200);
}

function pager(page, found, cursor) {
  const to = (place) => {
    const query = new URLSearchParams(page.query);
    if (place) query.set("cursor", place);
    else query.delete("cursor");
    return `/console/jobs?${query}`;
  };
  return h("nav", { class: "pager", "aria-label": "Pages of the list" },
    cursor && h("a", { href: to("") }, "Newest"),
    found.next_cursor && h("a", { href: to(found.next_cursor), rel: "next" }, "Older"));
}

// --- which jobs

function filters(page, asked) {
  const field = (name, title, control) => h("div", { class: "field" }, h("label", { for: name }, title), control);
  const text = (name, more) => h("input", { id: name, name, value: asked[name] || null, maxlength: 200, autocomplete: "off", ...more });
  const status = h("select", { id: "status", name: "status" },
    h("option", { value: "" }, "any"),
    STATUSES.map((one) => h("option", { value: one, selected: one === asked.status }, one)));
  const scheduled = h("select", { id: "scheduled", name: "scheduled" },
    SCHEDULED.map(([value, words]) => h("option", { value, selected: value === asked.scheduled }, words)));
  const submit = (event) => {
    event.preventDefault();
    const said = [...new FormData(event.target)].map(([name, value]) => [name, name.startsWith("created") ? seconds(value) : value.trim()]);
    page.go(at("/console/jobs", Object.fromEntries(said)));
  };
  const form = h("form", { class: "filters card", onsubmit: submit, "aria-label": "Which jobs" },
    field("status", "Status", status),
    field("kind", "Kind", text("kind", { list: "kinds" })),
    field("queue", "Queue", text("queue")),
    field("tag", "Tag", text("tag")),
    field("cause", "Cause", text("cause")),
    field("error", "Error contains", text("error")),
    field("scheduled", "Scheduled", scheduled),
    field("created_after", "Ordered after", text("created_after", { type: "datetime-local", value: local(asked.created_after) })),
    field("created_before", "Ordered before", text("created_before", { type: "datetime-local", value: local(asked.created_before) })),
    h("datalist", { id: "kinds" }, ["report", "export", "email_blast", "webhook"].map((kind) => h("option", { value: kind }))),
    h("div", { class: "buttons" }, h("button", { class: "first" }, "Show"), h("a", { href: "/console/jobs" }, "Clear")));
  for (const choice of [status, scheduled]) choice.addEventListener("change", () => form.requestSubmit());
  return form;
}

function seconds(text) {
  return text ? String(new Date(text).getTime() / 1000) : "";
}

function local(at) {
  if (!at) return null;
  const date = new Date(at * 1000);
  return Number.isNaN(date.getTime()) ? null : new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// --- the same for all of them

function many(page, asked) {
  if (!page.may("control")) return null;
  const may = (statuses) => !asked.status || statuses.includes(asked.status);
  return h("div", { class: "many" },
    may(CAN_RETRY) && h("button", { type: "button", onclick: () => all(page, asked, "retry") }, "Retry all matching…"),
    may(CAN_CANCEL) && h("button", { type: "button", onclick: () => all(page, asked, "cancel") }, "Cancel all matching…"));
}

async function all(page, asked, what) {
  const said = Object.entries(asked).filter(([, value]) => value);
  await actOnAll(page, what, Object.fromEntries(said.map(([name, value]) => [name, typed(name, value)])));
}

function typed(name, value) {
  if (name === "scheduled") return value === "true";
  return name.startsWith("created") ? Number(value) : value;
}
