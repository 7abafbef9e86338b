// Jobs as rows of a table, with the columns that somebody has chosen.

import { badge, bar, h, jobLink, kindLink, moment, span, table } from "../../dom.js";
import { at } from "../../http.js";
import { hold } from "./holds.js";

const CHOICE = "continuo-columns";

/** Name -> `[title, cell, class, whether it is shown unless somebody says otherwise]`. */
const COLUMNS = {
  status: ["Status", (task) => badge(task.status), null, true],
  kind: ["Kind", (task) => kindLink(task.kind), null, true],
  id: ["Id", (task) => jobLink(task.id), "id", true],
  queue: ["Queue", (task) => task.queue, null, false],
  lane: ["Lane", (task) => task.lane, null, false],
  ordered: ["Ordered", (task) => moment(task.created_at), null, true],
  started: ["Started", (task) => task.started_at && moment(task.started_at), null, false],
  finished: ["Ended", (task) => task.finished_at && moment(task.finished_at), null, false],
  attempts: ["Attempts", (task) => `${task.attempts} of ${task.max_retries}`, "number", true],
  took: ["Took", (task) => took(task), "number", true],
  tags: ["Tags", (task) => tags(task), null, false],
  note: ["Note", (task, causes, holds) => about(task, causes, holds), "about", true],
};
const ALWAYS = ["status", "id"];

/** A table of jobs. `causes` have the headlines of failures; `chosen` are columns, `mark` makes a first one. */
export function rows(tasks, causes = new Map(), chosen = defaults(), mark = null, holds = undefined) {
  const columns = chosen.map((name) => COLUMNS[name]).map(([title, cell, look]) => [title, (task) => cell(task, causes, holds), look]);
  return table("Jobs", mark ? [mark, ...columns] : columns, tasks, "No job is like that.");
}

function defaults() {
  return Object.keys(COLUMNS).filter((name) => COLUMNS[name][3]);
}

/** The columns that this browser shows. */
export function readColumns() {
  const said = localStorage.getItem(CHOICE)?.split(",").filter((name) => name in COLUMNS);
  return said ? Object.keys(COLUMNS).filter((name) => said.includes(name) || ALWAYS.includes(name)) : defaults();
}

/** Where the columns are chosen; `change` is called after that. */
export function columnChoice(change) {
  const shown = readColumns();
  const choose = (event) => {
    const boxes = [...event.currentTarget.querySelectorAll("input:checked")];
    localStorage.setItem(CHOICE, boxes.map((box) => box.value).join(","));
    change();
  };
  return h("details", { class: "columns" }, h("summary", null, "Columns"),
    h("fieldset", { onchange: choose }, h("legend", { class: "unseen" }, "Columns"),
      Object.keys(COLUMNS).filter((name) => !ALWAYS.includes(name)).map((name) =>
        h("label", null, h("input", { type: "checkbox", value: name, checked: shown.includes(name) }), COLUMNS[name][0]))));
}

/** How many seconds the last attempt of a job ran, or runs; null if it has not begun, or waits. */
export function runTime({ status, started_at: start, finished_at: end }) {
  if (status === "running" && start) return Math.max(Date.now() / 1000 - start, 0);
  return start && end && end >= start ? end - start : null;
}

function took(task) {
  const seconds = runTime(task);
  return seconds === null ? "" : span(seconds);
}

function tags(task) {
  return task.tags.map((tag) => h("a", { class: "tag", href: at("/console/jobs", { tag }) }, tag));
}

function about(task, causes, holds) {
  if (task.status === "running") return bar(task.progress);
  const cause = task.status === "failed" && causes.get(task.cause);
  if (cause) return h("a", { class: "one-line", href: at("/console/jobs", { cause: task.cause }), title: lastLine(task.error) }, cause.headline);
  const what = task.error && task.status !== "success" ? h("code", { class: "one-line" }, lastLine(task.error)) : tags(task);
  return [hold(task, holds, { isShort: true }), " ", what];
}

export function lastLine(error) {
  return error.trimEnd().split("\n").at(-1).slice(0, 200);
}
