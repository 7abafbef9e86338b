// The newest jobs that match, in another order than that of the list: the slowest first, or by cause.

import { pathOf } from "../../causes.js";
import { h, moment, number, table } from "../../dom.js";
import { at, get } from "../../http.js";
import { lastLine, rows, runTime } from "./rows.js";

const MOST = 1_000;
const PER_PAGE = 200;
const SHOWN = 50;

export const ARRANGEMENTS = { slowest: drawSlowest, cause: drawCauses };

/** Read the newest jobs that match, at most a thousand records, and draw them. */
export async function arrange(page, { order, ...asked }, causes, columns, mark) {
  const found = await readNewest(page, asked);
  return ARRANGEMENTS[order](found, causes, { columns, mark, asked });
}

async function readNewest(page, asked) {
  const found = { tasks: [], looked: 0, isAll: false };
  for (let cursor = ""; cursor !== null && found.looked < MOST;) {
    const part = await get(at("/tasks", { ...asked, limit: PER_PAGE, cursor }), page.signal);
    found.tasks.push(...part.tasks);
    found.looked += part.looked_at;
    cursor = part.next_cursor;
    found.isAll = cursor === null;
  }
  return found;
}

function about({ tasks, isAll }, words) {
  const of = isAll ? `all ${number(tasks.length)} jobs that match` : `the newest ${number(tasks.length)} jobs that match; there are more`;
  return h("p", { class: "count" }, `${words} of ${of}`);
}

function drawSlowest(found, causes, { columns, mark }) {
  const ran = found.tasks.filter((task) => runTime(task) !== null).sort((one, other) => runTime(other) - runTime(one));
  return { tasks: ran.slice(0, SHOWN), content: () => [about(found, "The slowest first,"), rows(ran.slice(0, SHOWN), causes, columns, mark)] };
}

function drawCauses(found, causes, { asked }) {
  const groups = new Map();
  for (const task of found.tasks.filter(({ status }) => status === "failed")) {
    const name = task.cause ?? lastLine(task.error);
    groups.set(name, [...(groups.get(name) ?? []), task]);
  }
  const sorted = [...groups].sort(([, one], [, other]) => other.length - one.length);
  return { tasks: [], content: () => [about(found, "Failures by cause,"), table("Failures by cause", [
    ["Cause", ([name, tasks]) => link(name, tasks[0], causes), "about"],
    ["Jobs", ([name, tasks]) => h("a", { href: at("/console/jobs", { ...asked, status: "failed", cause: tasks[0].cause }), "aria-label": `${tasks.length} jobs of ${name}` }, number(tasks.length)), "number"],
    ["Kinds", ([, tasks]) => [...new Set(tasks.map(({ kind }) => kind))].join(", ")],
    ["First", ([, tasks]) => moment(tasks.at(-1).finished_at)],
    ["Last", ([, tasks]) => moment(tasks[0].finished_at)],
  ], sorted, "None of them failed.")] };
}

function link(name, task, causes) {
  const words = causes.get(task.cause)?.headline ?? lastLine(task.error);
  return task.cause ? h("a", { href: pathOf(name), class: "one-line", title: words }, words) : h("code", { class: "one-line" }, words);
}
