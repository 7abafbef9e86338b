// Every switch: which jobs do not start, what becomes of them, and until when; and every breaker.

import { fill, h, moment, number, table } from "../../dom.js";
import { keep } from "../../live.js";

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
    ...breakers(page),
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

function breakers(page) {
  const list = h("div", { "aria-busy": "true" });
  keep(page, "/breakers", EVERY, ({ breakers }) => {
    fill(list, tableOfBreakers(breakers));
    list.removeAttribute("aria-busy");
  });
  return [
    h("h2", null, "Breakers"),
    h("p", { class: "help" }, "A kind whose jobs fail is held back for a while, then tried with one job. Give a kind a breaker with ", h("code", null, "PUT /breakers/{kind}"), "."),
    list,
  ];
}

export function tableOfBreakers(breakers) {
  const columns = [
    ["Kind", (one) => one.kind],
    ["Opens at", ({ breaker }) => `${number(breaker.share * 100)} % of ${number(breaker.of)} attempts in ${number(breaker.within)} s`],
    ["Failed", (one) => `${number(one.failures)} of ${number(one.attempts)}`, "number"],
    ["Now", (one) => h("span", { class: `badge ${one.stage === "closed" ? "success" : "retrying"}` }, one.stage)],
    ["Until", (one) => (one.until === null ? "" : moment(one.until))],
    ["Set by", (one) => (one.declared ? "its kind" : "hand")],
  ];
  return table("Breakers", columns, breakers, "No kind has a breaker.");
}
