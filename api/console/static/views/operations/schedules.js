// All schedules: what is due next, what came of the last time, and where the coming day piles up.

import { badge, fill, h, jobLink, moment, number, table } from "../../dom.js";
import { at, get, post } from "../../http.js";
import { keep, once } from "../../live.js";
import { lastOf, pathOf, stateOf, tableOf, timesOf, whenOf } from "../../schedules.js";
import { hourOf } from "../../times.js";
import { form } from "./schedule-form.js";

const PATH = "/schedules";
const EVERY = 2_000;
const LATER_EVERY = 10_000;
const MAX_LATER = 20;
const LATER_PATH = at("/tasks", { scheduled: true, limit: 200 });
const PER_PAGE = 50;

export function schedules(page) {
  return page.id ? one(page) : all(page);
}

function all(page) {
  const offset = Number(page.query.get("offset") ?? 0);
  const list = h("div", { class: "list", "aria-busy": "true" });
  const day = h("section", null);
  const later = h("section", { class: "list" });
  const path = at(PATH, { limit: PER_PAGE, offset: offset || "" });
  const draw = (found) => {
    fill(list, tableOf(found.schedules), pager(found, offset));
    list.removeAttribute("aria-busy");
  };
  keep(page, path, EVERY, draw);
  keep(page, LATER_PATH, LATER_EVERY, ({ tasks, next_cursor: more }) => fill(later, drawLater(tasks, more)));
  get(`${PATH}/calendar`, page.signal).then((calendar) => fill(day, drawDay(calendar)), page.fail);
  return [
    h("h1", null, "Schedules"),
    h("p", { class: "help" }, "Any worker makes the job of a schedule when it is due. Those that are due first are at the top."),
    list,
    day,
    later,
    page.may("submit") && h("details", { "data-mark": "new" }, h("summary", null, "New schedule"), form(page, () => once(page, path, draw))),
  ];
}

function pager(found, offset) {
  const link = (to) => at("/console/schedules", { offset: to || "" });
  return h("nav", { class: "pager", "aria-label": "Pages of the list" },
    offset > 0 && h("a", { href: link(Math.max(offset - PER_PAGE, 0)) }, "Earlier due"),
    found.next_offset && h("a", { href: link(found.next_offset), rel: "next" }, "Later due"));
}

function drawDay(calendar) {
  const most = Math.max(...calendar.hours.map((hour) => hour.jobs));
  if (!most) return null;
  return [
    h("h2", null, "The coming day"),
    !calendar.complete && h("p", { class: "help" }, "There are more due times than are counted here."),
    table("The coming day, hour by hour", [
      ["Hour", (hour) => hourOf(hour.at)],
      ["Jobs", (hour) => number(hour.jobs), "number"],
      ["Share", (hour) => h("meter", { min: 0, max: most, value: hour.jobs, "aria-label": `${hour.jobs} jobs` })],
      ["Schedules", (hour) => hour.schedules.join(", "), "about"],
    ], calendar.hours.filter((hour) => hour.jobs), ""),
  ];
}

/** The jobs that wait for their time, those that are due first at the top. */
function drawLater(tasks, more) {
  if (!tasks.length) return null;
  const next = tasks.filter((task) => task.due_at !== null).sort((one, other) => one.due_at - other.due_at).slice(0, MAX_LATER);
  const of = more ? `, of the newest ${number(tasks.length)}` : "";
  return [
    h("h2", null, "Jobs that wait for their time"),
    h("p", { class: "help" }, `Ordered for later, or to be tried again${of}. `, h("a", { href: "/console/jobs?scheduled=true" }, "All of them, with filters")),
    table("Jobs that wait for their time", [
      ["Due", (task) => moment(task.due_at)], ["Kind", (task) => task.kind], ["Id", (task) => jobLink(task.id), "id"], ["Status", (task) => badge(task.status)],
    ], next, ""),
  ];
}

function one(page) {
  const [about, times, history] = [h("div", { "aria-busy": "true" }), h("section", null), h("section", null)];
  const path = pathOf(page.id);
  const draw = (schedule) => {
    fill(about, aboutOf(page, schedule, () => once(page, path, draw)));
    about.removeAttribute("aria-busy");
  };
  keep(page, path, EVERY, draw);
  keep(page, `${path}/history`, EVERY, (found) => fill(history, h("h2", null, "History"), historyOf(found.history)));
  get(`${path}/times?n=10`, page.signal).then((found) => fill(times, h("h2", null, "Next times"), timesOf(found)), page.fail);
  return [h("h1", null, page.id), about, h("div", { class: "beside" }, times, history)];
}

function aboutOf(page, schedule, again) {
  const act = async (verb, done) => {
    try {
      await post(`${pathOf(page.id)}/${verb}`);
      page.say(done);
      await again();
    } catch (problem) {
      page.fail(problem);
    }
  };
  const button = (verb, label, done) => h("button", { type: "button", "data-mark": verb, onclick: () => act(verb, done) }, label);
  return [
    h("p", null, stateOf(schedule), " · ", whenOf(schedule)),
    h("p", null, "Next ", moment(schedule.next), " · last ", lastOf(schedule.last)),
    page.may("control") && h("p", { class: "buttons" },
      button("run", "Run now", "A job is made."),
      schedule.paused ? button("resume", "Resume", "It is active.") : button("pause", "Pause", "It is paused.")),
    h("details", { "data-mark": "order" }, h("summary", null, "Order"), h("pre", { tabindex: 0 }, JSON.stringify(schedule.order, null, 2))),
  ];
}

function historyOf(history) {
  return table("History", [
    ["Due", (firing) => moment(firing.due)],
    ["What", (firing) => (firing.count > 1 ? `${firing.what} (${number(firing.count)})` : firing.what)],
    ["Job", (firing) => firing.job && jobLink(firing.job, firing.status ?? "deleted")],
  ], history, "Nothing was due yet.");
}
