// The list of jobs: every filter is in the address, a page at a time, live.

import { readCauses } from "../../causes.js";
import { fill, h, number } from "../../dom.js";
import { at, get } from "../../http.js";
import { seldom, watch } from "../../live.js";
import { arrange, ARRANGEMENTS } from "./arrangements.js";
import { readHolds } from "./holds.js";
import { chips, filters, FILTERS } from "./filters.js";
import { actOnAll, actOnEach } from "./many.js";
import { columnChoice, readColumns, rows } from "./rows.js";
import { savedViews } from "./saved-views.js";

const FINAL = ["success", "failed", "cancelled"];
const CAN = { retry: ["failed", "cancelled"], cancel: ["pending", "running", "retrying", "waiting"] };

export function jobs(page) {
  const asked = Object.fromEntries([...FILTERS, "order"].map((name) => [name, page.query.get(name) ?? ""]));
  const list = h("div", { class: "list", "aria-busy": "true" });
  const chosen = h("div");
  const refresh = seldom(() => load(page, asked, list, chosen, selection), asked.order in ARRANGEMENTS ? 10_000 : 1_000, page.signal);
  const selection = select(page, refresh);
  refresh();
  follow(page, asked, refresh);
  return [h("h1", null, "Jobs"), savedViews(page), filters(page, asked), chosen,
    h("div", { class: "many" }, many(page, asked), selection.bar, columnChoice(refresh)), list];
}

function follow(page, { kind, queue }, refresh) {
  // Not by status: a job that gets another one leaves the list.
  const path = at("/events", { kind, queue });
  watch(path, { signal: page.signal, state: page.state, hear: ({ name }) => name !== "snapshot" && refresh() });
}

async function load(page, asked, list, chosen, selection) {
  try {
    const causes = await readCauses(page);
    fill(chosen, chips(page, asked, causes));
    const { tasks, content } = await (asked.order in ARRANGEMENTS
      ? arrange(page, asked, causes, readColumns(), selection.column)
      : listed(page, asked, causes, selection));
    selection.keep(tasks);
    fill(list, content());
    list.removeAttribute("aria-busy");
  } catch (problem) {
    page.fail(problem);
  }
}

async function listed(page, asked, causes, selection) {
  const cursor = page.query.get("cursor") ?? "";
  const found = await get(at("/tasks", { ...asked, limit: 50, cursor }), page.signal);
  const holds = await readHolds(page, found.tasks);
  const content = () => [count(found, asked, cursor), rows(found.tasks, causes, readColumns(), selection.column, holds),
    !found.tasks.length && older(asked), pager(page, found, asked, cursor)];
  return { tasks: found.tasks, content };
}

function count(found, { order }, cursor) {
  const later = order ? "newer ones" : "older ones";
  const words = found.total === null
    ? `${found.tasks.length} found in ${number(found.looked_at)} records looked at${found.next_cursor ? "; there are more" : ""}`
    : `${number(found.total)} ${found.total === 1 ? "job" : "jobs"}, ${cursor ? later : order ? "oldest first" : "newest first"}`;
  return h("p", { class: "count" }, words);
}

/** Where to look further when Redis has no such job. */
function older({ status, kind, queue, tag, error, created_after, created_before }) {
  const same = { kind, queue, tag, error, created_after, created_before, status: FINAL.includes(status) ? status : "" };
  return h("p", { class: "help" }, "Its record may be deleted already: ", h("a", { href: at("/console/history", same) }, "look in the history"), ".");
}

function pager(page, found, { order }, cursor) {
  const to = (place) => {
    const query = new URLSearchParams(page.query);
    if (place) query.set("cursor", place);
    else query.delete("cursor");
    return `/console/jobs?${query}`;
  };
  return h("nav", { class: "pager", "aria-label": "Pages of the list" },
    cursor && h("a", { href: to("") }, order ? "Oldest" : "Newest"),
    found.next_cursor && h("a", { href: to(found.next_cursor), rel: "next" }, order ? "Newer" : "Older"));
}

// --- the same for all of them

function many(page, asked) {
  if (!page.may("control")) return null;
  const may = (what) => !asked.status || CAN[what].includes(asked.status);
  return [
    may("retry") && h("button", { type: "button", onclick: () => all(page, asked, "retry") }, "Retry all matching…"),
    may("cancel") && h("button", { type: "button", onclick: () => all(page, asked, "cancel") }, "Cancel all matching…"),
  ];
}

async function all(page, asked, what) {
  const said = FILTERS.filter((name) => asked[name]).map((name) => [name, typed(name, asked[name])]);
  await actOnAll(page, what, Object.fromEntries(said));
}

function typed(name, value) {
  if (name === "scheduled") return value === "true";
  return name.startsWith("created") ? Number(value) : value;
}

// --- the same for some of them

/** A column of boxes, and the buttons for the jobs whose box is checked; neither for those who may only look. */
function select(page, refresh) {
  if (!page.may("control")) return { bar: null, column: null, keep: () => {} };
  const bar = h("span", { class: "buttons" });
  const chosen = new Map();
  let shown = [];
  const act = (what) => {
    const able = [...chosen.values()].filter((task) => CAN[what].includes(task.status));
    return able.length > 0 && h("button", { type: "button", "data-mark": what, onclick: () => actOnEach(page, what, able, () => (chosen.clear(), draw(), refresh())) },
      `${what === "retry" ? "Retry" : "Cancel"} ${number(able.length)} chosen…`);
  };
  const draw = () => fill(bar, act("retry"), act("cancel"));
  const mark = (tasks, isMarked) => {
    for (const task of tasks) isMarked ? chosen.set(task.id, task) : chosen.delete(task.id);
    draw();
    refresh();
  };
  const box = (name, isMarked, tasks) => h("input", { type: "checkbox", "aria-label": name, "data-mark": name, checked: isMarked, onchange: (event) => mark(tasks, event.target.checked) });
  const title = () => h("span", { onchange: checkAll }, box("Choose all on this page", shown.length > 0 && shown.every(({ id }) => chosen.has(id)), shown));
  const column = [title, (task) => box(`Choose ${task.id}`, chosen.has(task.id), [task]), "choose"];
  const keep = (tasks) => {
    shown = tasks;
    for (const task of tasks) if (chosen.has(task.id)) chosen.set(task.id, task);
    draw();
  };
  return { bar, column, keep };
}

/** At once, before the list is read anew. */
function checkAll({ target }) {
  for (const one of target.closest("table").querySelectorAll("tbody input")) one.checked = target.checked;
}
