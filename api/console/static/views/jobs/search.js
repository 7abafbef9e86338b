// Jobs that have a text in their id, tags, error, payload or result: in Redis, then in the history.

import { readCauses } from "../../causes.js";
import { badge, fill, h, jobLink, moment, number, table } from "../../dom.js";
import { at, get } from "../../http.js";
import { rows } from "./rows.js";

const ENOUGH = 50;
const LOOK_SECONDS = 5;

export const pathOf = (text) => at("/console/search", { text });

export function search(page) {
  const text = page.query.get("text") ?? "";
  const live = h("div", { class: "list", "aria-busy": "true" });
  const archived = h("div", { class: "list", "aria-busy": "true" });
  if (!text) return [h("h1", null, "Search"), h("p", { class: "help" }, "Enter a text above: a part of an id, a tag, or a value in a payload or result.")];
  look(page, text, live, { tasks: [], looked: 0, cursor: "" });
  lookBack(page, text, archived);
  return [h("h1", null, "Jobs with ", h("span", { class: "mono" }, text)), live, archived];
}

/** Read page after page until there is enough, nothing more, or some seconds are over. */
async function look(page, text, place, found) {
  const end = Date.now() + LOOK_SECONDS * 1000;
  const most = found.tasks.length + ENOUGH;
  try {
    const causes = await readCauses(page);
    do {
      const part = await get(at("/tasks", { text, limit: ENOUGH, cursor: found.cursor }), page.signal);
      found.tasks.push(...part.tasks);
      found.looked += part.looked_at;
      found.cursor = part.next_cursor;
      draw(page, text, place, found, causes);
    } while (found.cursor && found.tasks.length < most && Date.now() < end);
    place.removeAttribute("aria-busy");
  } catch (problem) {
    page.fail(problem);
  }
}

function draw(page, text, place, found, causes) {
  const further = () => {
    place.setAttribute("aria-busy", "true");
    look(page, text, place, found);
  };
  fill(place,
    h("p", { class: "count", role: "status" }, `${number(found.tasks.length)} found in ${number(found.looked)} records looked at, the newest first`),
    rows(found.tasks, causes),
    found.cursor && h("p", null, h("button", { type: "button", "data-mark": "further", onclick: further }, "Look further")));
}

async function lookBack(page, text, place) {
  try {
    const { jobs } = await get(at("/history", { text, limit: ENOUGH }), page.signal);
    fill(place, h("h2", null, "In the history"), tableOf(jobs));
  } catch (problem) {
    if (problem.name === "AbortError") return;
    fill(place, h("p", { class: "help" }, problem.status === 404 ? "Jobs whose records are deleted are not searched: the history is off." : problem.message));
  }
  place.removeAttribute("aria-busy");
}

function tableOf(jobs) {
  return table("Ended jobs", [
    ["Status", (job) => badge(job.status)],
    ["Kind", (job) => job.kind],
    ["Id", (job) => jobLink(job.id), "id"],
    ["Ended", (job) => moment(job.finished_at)],
    ["What", (job) => h("a", { href: at("/console/history", { id: job.id }) }, "all of it")],
  ], jobs, "No ended job in the history has it.");
}
