// Every worker that lives: its lease, its memory, what it is at.

import { fill, h, jobLink, moment, number, size, span, table } from "../dom.js";
import { keep } from "../live.js";

const EVERY = 2_000;

export function workers(page) {
  const list = h("div", { "aria-busy": "true" });
  keep(page, "/workers", EVERY, ({ workers }) => {
    fill(list, tableOf(workers, page.flower));
    list.removeAttribute("aria-busy");
  });
  return [
    h("h1", null, "Workers"),
    h("p", { class: "help" }, "A worker renews its lease while it lives. When the lease ends, others take its jobs."),
    list,
  ];
}

export function tableOf(workers, flower) {
  const columns = [
    ["Worker", (worker) => [h("strong", null, worker.host), h("span", { class: "at" }, ` process ${worker.pid}`)]],
    ["Takes from", (worker) => worker.queues.join(", ")],
    ["Runs", (worker) => `${worker.jobs.length} of ${worker.slots}`, "number"],
    ["Jobs", (worker) => jobsOf(worker)],
    ["Memory", (worker) => size(worker.memory), "number"],
    ["Lease", (worker) => span(Math.max(worker.lease_ends - Date.now() / 1000, 0)), "number"],
    ["Started", (worker) => moment(worker.started_at)],
  ];
  const nodeOf = (worker) => encodeURIComponent(worker.id.split("/")[0]);
  if (flower) columns.push(["Flower", (worker) => h("a", { href: `${flower}/worker/${nodeOf(worker)}`, "aria-label": `${worker.host} in Flower` }, "show")]);
  return table("Workers", columns, workers, "No worker lives: jobs wait until one does.");
}

function jobsOf(worker) {
  if (!worker.jobs.length) return "–";
  const shown = worker.jobs.slice(0, 8);
  const more = worker.jobs.length - shown.length;
  return h("ul", { class: "plain" },
    shown.map((job) => h("li", null, jobLink(job.id, job.kind), h("span", { class: "at" }, ` ${span(Math.max(Date.now() / 1000 - job.started_at, 0))}`))),
    more > 0 && h("li", null, `and ${number(more)} more`));
}
