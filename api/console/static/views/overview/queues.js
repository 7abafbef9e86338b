// Every queue: how long it is, how late, whether it hands anything out.

import { fill, h, moment, number, span, table } from "../../dom.js";
import { post } from "../../http.js";
import { keep, once } from "../../live.js";
import { outboxes } from "./outboxes.js";

const PATH = "/queues";
const EVERY = 2_000;

export function queues(page) {
  const list = h("div", { "aria-busy": "true" });
  const draw = ({ queues }) => {
    fill(list, tableOf(queues, page.may("admin") && ((queue) => toggle(page, queue, draw))));
    list.removeAttribute("aria-busy");
  };
  keep(page, PATH, EVERY, draw);
  return [
    h("h1", null, "Queues"),
    h("p", { class: "help" }, "A paused queue accepts jobs but starts none. Jobs that a worker already has still run."),
    list,
    outboxes(page),
  ];
}

export function tableOf(queues, act) {
  const columns = [
    ["Queue", (queue) => h("a", { href: `/console/jobs?${new URLSearchParams({ queue: queue.name })}` }, queue.name)],
    ["Waiting", (queue) => (queue.waiting === null ? "in RabbitMQ" : number(queue.waiting)), "number"],
    ["Oldest", (queue) => (queue.oldest === null ? "–" : span(queue.oldest)), "number"],
    ["Empty in", (queue) => (queue.empty_in === null ? "–" : `about ${span(queue.empty_in)}`), "number"],
    ["Running", (queue) => number(queue.running), "number"],
    ["Workers", (queue) => (queue.workers ? number(queue.workers) : h("span", { class: "wrong" }, "none")), "number"],
    ["State", (queue) => stateOf(queue)],
  ];
  if (act) columns.push(["Action", (queue) => button(queue, act), "about"]);
  return table("Queues", columns, [...queues].sort((one, other) => (one.name < other.name ? -1 : 1)), "No queue yet: order a job.");
}

function stateOf(queue) {
  if (!queue.paused) return "open";
  return [h("span", { class: "badge retrying" }, "paused"), queue.paused_at && h("span", { class: "at" }, " ", moment(queue.paused_at)), queue.paused_by && h("span", { class: "at" }, ` by ${queue.paused_by}`)];
}

function button(queue, act) {
  const verb = queue.paused ? "Resume" : "Pause";
  return h("button", { type: "button", "data-mark": `toggle-${queue.name}`, "aria-label": `${verb} ${queue.name}`, onclick: () => act(queue) }, verb);
}

async function toggle(page, queue, draw) {
  try {
    await post(`${PATH}/${encodeURIComponent(queue.name)}/${queue.paused ? "resume" : "pause"}`);
    page.say(queue.paused ? `${queue.name} is open.` : `${queue.name} is paused.`);
    await once(page, PATH, draw);
  } catch (problem) {
    page.fail(problem);
  }
}
