// Every switch: which jobs do not start, what becomes of them, and until when.

import { fill, h, moment, number, table } from "../dom.js";
import { keep } from "../live.js";

const PATH = "/switches";
const EVERY = 2_000;

export function switches(page) {
  const list = h("div", { "aria-busy": "true" });
  keep(page, PATH, EVERY, ({ switches }) => {
    fill(list, tableOf(switches));
    list.removeAttribute("aria-busy");
  });
  return [
    h("h2", null, "Switches"),
    h("p", { class: "help" }, "Jobs that match a switch do not start. Set switches with ", h("code", null, "PUT /switches/{name}"), ". A host that asked for a pause and a breaker end by themselves."),
    list,
  ];
}

function tableOf(switches) {
  const columns = [
    ["Switch", (one) => one.name],
    ["Jobs", (one) => selectionOf(one)],
    ["What becomes of them", (one) => (one.tries ? "held, then tried" : { hold: "held", cancel: "cancelled", fail: "failed" }[one.switch.action])],
    ["Running", (one) => number(one.running), "number"],
    ["Held back", (one) => (one.jobs_held ? h("span", { class: "badge retrying" }, number(one.jobs_held)) : number(0)), "number"],
    ["Until", (one) => (one.switch.until === null ? "deleted" : moment(one.switch.until))],
  ];
  return table("Switches", columns, switches, "No switch is set.");
}

function selectionOf(one) {
  const { field } = one.switch;
  const parts = ["kind", "queue", "lane", "tag"].filter((name) => one.switch[name] !== null).map((name) => `${name} ${one.switch[name]}`);
  if (field !== null) parts.push(field.prefix === null ? `${field.path} is ${field.equals}` : `${field.path} begins with ${field.prefix}`);
  return parts.join(", ") || "calls of this host";
}
