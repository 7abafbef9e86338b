// Every limit: what it limits, what it allows, and what it holds back now.

import { fill, h, number, table } from "../../dom.js";
import { keep } from "../../live.js";
import { switches } from "./switches.js";

const PATH = "/limits";
const EVERY = 2_000;

export function limits(page) {
  const list = h("div", { "aria-busy": "true" });
  keep(page, PATH, EVERY, ({ limits }) => {
    fill(list, tableOf(limits));
    list.removeAttribute("aria-busy");
  });
  return [
    h("h1", null, "Limits"),
    h("p", { class: "help" }, "Jobs that a limit holds back wait in their lanes, in their order. Set limits with ", h("code", null, "PUT /limits/{name}"), "."),
    list,
    ...switches(page),
  ];
}

export function tableOf(limits) {
  const columns = [
    ["Limit", (one) => one.name],
    ["Jobs", (one) => selectionOf(one.limit)],
    ["Allows", (one) => allowanceOf(one.limit)],
    ["Running", (one) => number(one.running), "number"],
    ["Held back", (one) => (one.lanes_held ? h("span", { class: "badge retrying" }, `${number(one.jobs_held)} in ${number(one.lanes_held)} lanes`) : number(0)), "number"],
    ["Set by", (one) => (one.declared ? "its kind" : "hand")],
  ];
  return table("Limits", columns, limits, "No limit yet.");
}

function selectionOf(limit) {
  const parts = ["kind", "queue", "lane", "tag"].filter((name) => limit[name] !== null).map((name) => `${name} ${limit[name]}`);
  return `${parts.join(", ") || "all jobs"}${limit.each ? ", each lane" : ""}`;
}

function allowanceOf(limit) {
  const parts = [
    limit.concurrency === 0 && "nothing",
    limit.concurrency && `${number(limit.concurrency)} at once`,
    limit.rate && `${limit.rate}, ${number(limit.burst)} at once`,
    limit.weight !== null && `weight ${limit.weight}`,
  ];
  return parts.filter(Boolean).join("; ");
}
