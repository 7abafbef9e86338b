// Every worker that lives: its lease, its memory, how busy it is, what it is at.

import { fill, h, jobLink, moment, number, s, size, span, table } from "../../dom.js";
import { post } from "../../http.js";
import { keep } from "../../live.js";
import { row } from "../../log-line.js";

const EVERY = 2_000;
const SPARK = { width: 96, height: 20, minutes: 60 };
const ORDERS = {
  Drain: ["drain", "It takes no more jobs, until it is started anew. Jobs that it has run on."],
  Stop: ["stop", "It takes no more jobs, ends those that it has, and stops. What supervises it may start it anew."],
};
const BY = { memory: (worker) => worker.memory ?? 0, busy: (worker) => worker.jobs.length / worker.slots };

const nameOf = (worker) => worker.id.split("/")[0];

export function workers(page) {
  const by = page.query.get("by");
  const list = h("div", { "aria-busy": "true" });
  keep(page, "/workers?load=true", EVERY, ({ workers }) => {
    const sorted = by in BY ? [...workers].sort((one, other) => BY[by](other) - BY[by](one)) : workers;
    fill(list, tableOf(sorted, page.flower, page.may("admin") && ((worker, verb) => order(page, worker, verb))));
    list.removeAttribute("aria-busy");
  });
  const chip = (words, name) => h("a", { class: "chip", href: name ? `/console/workers?by=${name}` : "/console/workers", "aria-current": (by in BY ? by : "") === name ? "true" : null }, words);
  return [
    h("h1", null, "Workers"),
    h("p", { class: "help" }, "A worker renews its lease while it lives. When the lease ends, others take its jobs."),
    h("nav", { class: "chips", "aria-label": "Order of the workers" }, chip("by name", ""), chip("most memory first", "memory"), chip("busiest first", "busy")),
    list,
    page.query.get("log") && logOf(page, page.query.get("log")),
  ];
}

/** What a worker has logged last; also of one that has ended today. */
function logOf(page, name) {
  const box = h("div", { class: "lines mono", tabindex: 0, role: "log", "aria-live": "off", "aria-label": `Log of ${name}` });
  keep(page, `/workers/${encodeURIComponent(name)}/log`, EVERY, ({ lines }) => {
    const isAtEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
    fill(box, lines.map((line) => row(line)));
    if (isAtEnd) box.scrollTop = box.scrollHeight;
  });
  return h("section", { class: "card log below", "aria-label": "Log" }, h("h2", null, "Log of ", h("span", { class: "mono" }, name)), box);
}

/** `act(worker, verb)` is called for a button; without it there are none. */
export function tableOf(workers, flower, act) {
  const columns = [
    ["Worker", (worker) => [h("strong", null, worker.host), h("span", { class: "at" }, ` process ${worker.pid}`)]],
    ["Takes from", (worker) => worker.queues.join(", ")],
    ["Runs", (worker) => `${worker.jobs.length} of ${worker.slots}`, "number"],
    ["Jobs", (worker) => jobsOf(worker)],
    ["Memory", (worker) => [size(worker.memory), spark(worker, "memory", size)], "number"],
    ["Lease", (worker) => span(Math.max(worker.lease_ends - Date.now() / 1000, 0)), "number"],
    ["Started", (worker) => moment(worker.started_at)],
  ];
  if (workers.some((worker) => worker.load)) columns.splice(5, 0, ["Busy", (worker) => [percent(worker.load?.at(-1)?.busy ?? 0), spark(worker, "busy", percent)], "number"]);
  columns.push(["Log", (worker) => h("a", { href: `/console/workers?${new URLSearchParams({ log: nameOf(worker) })}`, "aria-label": `Log of ${worker.host} process ${worker.pid}` }, "show")]);
  if (flower) columns.push(["Flower", (worker) => h("a", { href: `${flower}/worker/${encodeURIComponent(nameOf(worker))}`, "aria-label": `${worker.host} in Flower` }, "show")]);
  if (act) columns.push(["Action", (worker) => h("span", { class: "buttons" }, Object.keys(ORDERS).map((verb) => button(worker, verb, act))), "about"]);
  return table("Workers", columns, workers, "No worker lives: jobs wait until one does.");
}

const percent = (share) => `${Math.round(share * 100)} %`;

/** The last hour of a worker, minute by minute; shares up to the whole, bytes up to the most. */
function spark({ load }, name, written) {
  if (!load?.length) return null;
  const values = load.map((minute) => minute[name]);
  const top = name === "busy" ? 1 : Math.max(...values, 1);
  const step = SPARK.width / SPARK.minutes;
  const first = SPARK.minutes - load.length;
  const tall = (value) => (value / top) * (SPARK.height - 1);
  return s("svg", { class: "spark line-1", viewBox: `0 0 ${SPARK.width} ${SPARK.height}`, role: "img", "aria-label": `At most ${written(Math.max(...values))} in the last hour` },
    s("line", { class: "grid", x1: 0, x2: SPARK.width, y1: SPARK.height - 0.5, y2: SPARK.height - 0.5 }),
    values.map((value, place) => value > 0 && s("rect", { x: (first + place) * step, width: step, y: SPARK.height - 1 - tall(value), height: tall(value) })));
}

function button(worker, verb, act) {
  return h("button", { type: "button", "data-mark": `${verb}-${worker.id}`, "aria-label": `${verb} ${worker.host} process ${worker.pid}`, onclick: () => act(worker, verb) }, verb);
}

async function order(page, worker, verb) {
  const [path, meaning] = ORDERS[verb];
  if (!confirm(`${verb} ${nameOf(worker)}? ${meaning}`)) return;
  try {
    await post(`/workers/${encodeURIComponent(nameOf(worker))}/${path}`);
    page.say(`${nameOf(worker)} is told to ${path}.`);
  } catch (problem) {
    page.fail(problem);
  }
}

function jobsOf(worker) {
  if (!worker.jobs.length) return "–";
  const shown = worker.jobs.slice(0, 8);
  const more = worker.jobs.length - shown.length;
  return h("ul", { class: "plain" },
    shown.map((job) => h("li", null, jobLink(job.id, job.kind), h("span", { class: "at" }, ` ${span(Math.max(Date.now() / 1000 - job.started_at, 0))}`))),
    more > 0 && h("li", null, `and ${number(more)} more`));
}
