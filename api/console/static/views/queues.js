// Every queue: how long it is, how late, whether it hands anything out.

import { fill, h, number, span, table } from "../dom.js";
import { get, post } from "../http.js";
import { rest } from "../live.js";

const EVERY = 2_000;

export function queues(page) {
  const list = h("div", { "aria-busy": "true" });
  repeat(page, list);
  return [
    h("h1", null, "Queues"),
    h("p", { class: "help" }, "A paused queue takes orders and hands out nothing. Jobs that a worker has in hand already still run."),
    list,
  ];
}

async function repeat(page, list) {
  while (!page.signal.aborted) {
    if (!document.hidden) await load(page, list);
    await rest(EVERY, page.signal);
  }
}

async function load(page, list) {
  try {
    const { queues } = await get("/queues", page.signal);
    fill(list, tableOf(queues, page.may("admin") && ((queue) => toggle(page, queue, list))));
    list.removeAttribute("aria-busy");
    page.state("live");
  } catch (problem) {
    if (!page.signal.aborted) page.state("away");
    if (problem.status) page.fail(problem);
  }
}

export function tableOf(queues, act) {
  const columns = [
    ["Queue", (queue) => h("a", { href: `/console/jobs?${new URLSearchParams({ queue: queue.name })}` }, queue.name)],
    ["Waiting", (queue) => (queue.waiting === null ? "in RabbitMQ" : number(queue.waiting)), "number"],
    ["Oldest", (queue) => (queue.oldest === null ? "–" : span(queue.oldest)), "number"],
    ["Running", (queue) => number(queue.running), "number"],
    ["Workers", (queue) => (queue.workers ? number(queue.workers) : h("span", { class: "wrong" }, "none")), "number"],
    ["State", (queue) => (queue.paused ? h("span", { class: "badge retrying" }, "paused") : "open")],
  ];
  if (act) columns.push(["Action", (queue) => button(queue, act), "about"]);
  return table("Queues", columns, [...queues].sort((one, other) => (one.name < other.name ? -1 : 1)), "No queue yet: order a job.");
}

function button(queue, act) {
  const verb = queue.paused ? "Resume" : "Pause";
  return h("button", { type: "button", "data-mark": `toggle-${queue.name}`, "aria-label": `${verb} ${queue.name}`, onclick: () => act(queue) }, verb);
}

async function toggle(page, queue, list) {
  try {
    await post(`/queues/${encodeURIComponent(queue.name)}/${queue.paused ? "resume" : "pause"}`);
    page.say(queue.paused ? `${queue.name} is open.` : `${queue.name} is paused.`);
    await load(page, list);
  } catch (problem) {
    page.fail(problem);
  }
}
