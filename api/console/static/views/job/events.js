// The events of a job, from its order on: those that are stored, then what happens while somebody looks.

import { badge, h } from "../../dom.js";
import { clock, exact } from "../../times.js";

const MOST = 200;

/** The section, and `hear(event)`, which adds one; `reset` stands for events that are no longer stored. */
export function events(page) {
  const list = h("ol", { class: "timeline" });
  const count = h("span", { class: "at" });
  const note = h("p", { class: "help", hidden: true }, "Earlier events are no longer stored.");
  const section = h("section", { class: "card", hidden: true }, h("details", null, h("summary", null, "Events ", count), note, list));
  const hear = ({ name, data }) => {
    if (name === "end") return;
    section.hidden = false;
    if (name === "message") list.append(row(data));
    else list.replaceChildren();
    if (name !== "message" || list.children.length > MOST) note.hidden = false;
    if (list.children.length > MOST) list.firstChild.remove();
    count.textContent = `(${list.children.length})`;
  };
  return { section, hear };
}

function row({ status, attempts, at, progress, news, breaker }) {
  const more = [
    attempts && `attempt ${attempts}`,
    progress && `${progress.done}${progress.total ? ` of ${progress.total}` : ""} ${progress.note ?? ""}`.trim(),
    news && `the cause is ${news === "new" ? "new" : "back"}`,
    breaker && `the breaker is ${breaker}`,
  ];
  return h("li", { class: status }, h("p", null, badge(status), ` ${more.filter(Boolean).join(", ")} `, h("span", { class: "at", title: exact(at) }, clock(at))));
}
