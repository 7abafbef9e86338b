// Ended jobs whose records Redis may have forgotten: found by filters, or by a value in payload or result.

import { badge, fill, h, jobLink, moment, span, table } from "../../dom.js";
import { at, get } from "../../http.js";
import { fromField, toField } from "../../times.js";
import { lastLine } from "./rows.js";

const STATUSES = ["success", "failed", "cancelled"];
const TEXTS = [["id", "Id"], ["kind", "Kind"], ["queue", "Queue"], ["tag", "Tag"], ["error", "Error contains"]];
const TIMES = [["finished_after", "Ended after"], ["finished_before", "Ended before"]];
const IS_PATH = /^(payload|result)\./;

export function history(page) {
  const list = h("div", { class: "list", "aria-busy": "true" });
  load(page, list);
  return [h("h1", null, "History"), h("p", { class: "help" }, "Ended jobs, also those that are no longer in the list of ", h("a", { href: "/console/jobs" }, "jobs"), "."), filters(page), list];
}

async function load(page, list) {
  try {
    const found = await get(at("/history", { limit: 50, ...Object.fromEntries(page.query) }), page.signal);
    fill(list, rows(found.jobs), pager(page, found.next_cursor));
  } catch (problem) {
    if (problem.status === 401) return page.fail(problem);
    if (problem.name !== "AbortError") fill(list, h("p", { class: "empty", role: "alert" }, problem.message));
  }
  list.removeAttribute("aria-busy");
}

function rows(jobs) {
  return table("Ended jobs", [
    ["Status", (job) => badge(job.status)],
    ["Kind", (job) => job.kind],
    ["Id", (job) => jobLink(job.id), "id"],
    ["Ended", (job) => moment(job.finished_at)],
    ["Took", (job) => (job.started_at ? span(Math.max(job.finished_at - job.started_at, 0)) : ""), "number"],
    ["What", (job) => [job.status !== "success" && job.error && h("code", null, lastLine(job.error)), more(job)], "about"],
  ], jobs, "No ended job is like that.");
}

function more(job) {
  const shown = Object.fromEntries(Object.entries(job).filter(([, value]) => value !== null && value !== "" && value?.length !== 0));
  return h("details", { "data-mark": job.id }, h("summary", null, "All of it"), h("pre", { tabindex: 0 }, JSON.stringify(shown, null, 2)));
}

function pager(page, cursor) {
  const to = (place) => {
    const query = new URLSearchParams(page.query);
    if (place) query.set("cursor", place);
    else query.delete("cursor");
    return `/console/history?${query}`;
  };
  return h("nav", { class: "pager", "aria-label": "Pages of the history" },
    page.query.get("cursor") && h("a", { href: to("") }, "Newest"),
    cursor && h("a", { href: to(cursor), rel: "next" }, "Older"));
}

function filters(page) {
  const asked = (name) => page.query.get(name) ?? "";
  const [path, value] = [...page.query].find(([name]) => IS_PATH.test(name)) ?? ["", ""];
  const field = (name, title, control) => h("div", { class: "field" }, h("label", { for: name }, title), control);
  const text = (name, shown, how) => h("input", { id: name, name, value: shown || null, maxlength: 200, autocomplete: "off", ...how });
  return h("form", { class: "filters card", "aria-label": "Which ended jobs", onsubmit: (event) => submit(event, page) },
    field("path", "Where", text("path", path, { placeholder: "payload.order.id", pattern: "(payload|result)(\\.[A-Za-z0-9_\\-]{1,100}){1,10}" })),
    field("value", "is", text("value", value)),
    field("status", "Status", h("select", { id: "status", name: "status" },
      h("option", { value: "" }, "any"),
      STATUSES.map((one) => h("option", { value: one, selected: one === asked("status") }, one)))),
    TEXTS.map(([name, title]) => field(name, title, text(name, asked(name)))),
    TIMES.map(([name, title]) => field(name, title, text(name, toField(asked(name)), { type: "datetime-local" }))),
    h("div", { class: "buttons" }, h("button", { class: "first" }, "Show"), h("a", { href: "/console/history" }, "Clear")));
}

function submit(event, page) {
  event.preventDefault();
  const { path, value, ...rest } = Object.fromEntries([...new FormData(event.target)].map(([name, said]) => [name, said.trim()]));
  for (const [name] of TIMES) rest[name] = fromField(rest[name]);
  page.go(at("/console/history", path ? { ...rest, [path]: value } : rest));
}
