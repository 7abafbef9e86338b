// Which jobs are listed: a form that knows what there is to choose, and what is chosen as chips.

import { readCauses } from "../../causes.js";
import { h } from "../../dom.js";
import { at, get } from "../../http.js";
import { exact, fromField, toField } from "../../times.js";

export const STATUSES = ["pending", "running", "retrying", "success", "failed", "cancelled", "waiting"];
const SCHEDULED = [["", "any"], ["true", "waits for its time"], ["false", "does not"]];
const ORDERS = [["", "newest first"], ["oldest", "oldest first"], ["slowest", "slowest first"], ["cause", "failures by cause"]];
const TIMES = { created_after: "Ordered after", created_before: "Ordered before" };
const TEXTS = { kind: "Kind", queue: "Queue", tag: "Tag", cause: "Cause" };
export const FILTERS = ["status", ...Object.keys(TEXTS), "error", "scheduled", ...Object.keys(TIMES)];

const NEWEST = 100;

export function filters(page, asked) {
  const field = (name, title, control) => h("div", { class: "field" }, h("label", { for: name }, title), control);
  const text = (name, more) => h("input", { id: name, name, value: asked[name] || null, maxlength: 200, autocomplete: "off", ...more });
  const choice = (name, options) => h("select", { id: name, name },
    options.map(([value, words]) => h("option", { value, selected: value === asked[name] }, words)));
  const choices = [choice("status", [["", "any"], ...STATUSES.map((one) => [one, one])]), choice("scheduled", SCHEDULED), choice("order", ORDERS)];
  const lists = Object.keys(TEXTS).map((name) => h("datalist", { id: `known-${name}` }));
  const form = h("form", { class: "filters card", onsubmit: (event) => submit(event, page), "aria-label": "Which jobs" },
    field("status", "Status", choices[0]),
    Object.entries(TEXTS).map(([name, title]) => (name !== "cause" || page.sees.all) && field(name, title, text(name, { list: `known-${name}` }))),
    field("error", "Error contains", text("error")),
    field("scheduled", "Scheduled", choices[1]),
    Object.entries(TIMES).map(([name, title]) => field(name, title, text(name, { type: "datetime-local", value: toField(asked[name]) }))),
    field("order", "Order", choices[2]),
    lists,
    h("div", { class: "buttons" }, h("button", { class: "first" }, "Show")));
  for (const one of choices) one.addEventListener("change", () => form.requestSubmit());
  form.addEventListener("focusin", () => suggest(page, lists), { once: true });
  return form;
}

function submit(event, page) {
  event.preventDefault();
  const said = [...new FormData(event.target)].map(([name, value]) => [name, name in TIMES ? fromField(value) : value.trim()]);
  page.go(at("/console/jobs", Object.fromEntries(said)));
}

/** What there is to choose: all kinds, queues and causes, and the tags of the newest jobs. */
async function suggest(page, [kinds, queues, tags, causes]) {
  try {
    const [offered, existing, { tasks }, known] = await Promise.all([
      get("/kinds", page.signal),
      page.sees.all ? get("/queues", page.signal) : { queues: [] },
      get(at("/tasks", { limit: NEWEST }), page.signal),
      readCauses(page),
    ]);
    offer(kinds, [...offered.kinds.map((one) => one.kind), ...tasks.map((one) => one.kind)]);
    offer(queues, [...existing.queues.map((one) => one.name), ...tasks.map((one) => one.queue)]);
    offer(tags, tasks.flatMap((one) => one.tags));
    causes.replaceChildren(...[...known.values()].map((one) => h("option", { value: one.fingerprint, label: one.headline })));
  } catch (problem) {
    page.fail(problem);
  }
}

function offer(list, names) {
  list.replaceChildren(...[...new Set(names)].sort().map((value) => h("option", { value })));
}

/** What is chosen; each leads to the list without it. */
export function chips(page, asked, causes) {
  const chosen = FILTERS.filter((name) => asked[name]);
  if (!chosen.length) return null;
  const without = (name) => {
    const query = new URLSearchParams(page.query);
    query.delete(name);
    query.delete("cursor");
    return query.size ? `/console/jobs?${query}` : "/console/jobs";
  };
  return h("nav", { class: "chips", "aria-label": "Chosen filters" },
    chosen.map((name) => {
      const words = inWords(name, asked[name], causes);
      return h("a", { class: "chip", href: without(name), "aria-label": `${words}: remove` }, `${words} ×`);
    }),
    chosen.length > 1 && h("a", { class: "chip", href: "/console/jobs" }, "Clear"));
}

function inWords(name, value, causes) {
  if (name in TIMES) return `${TIMES[name].toLowerCase()} ${exact(value)}`;
  if (name === "scheduled") return value === "true" ? "waits for its time" : "waits for no time";
  if (name === "cause") return `cause ${causes.get(value)?.headline ?? value}`;
  return `${name} ${value}`;
}
