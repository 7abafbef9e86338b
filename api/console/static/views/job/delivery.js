// The callback of a job: whether it has arrived, each attempt, and a button that sends it again.

import { badge, fill, h, jobLink, moment } from "../../dom.js";
import { get, post } from "../../http.js";
import { rest } from "../../live.js";

const EVERY = 2_000;
const FINAL = ["success", "failed", "cancelled"];

/** The section, and `show(record)`, which looks for the delivery when the job has ended; most jobs have none. */
export function delivery(page) {
  const section = h("section", { class: "card", "aria-label": "Callback", hidden: true });
  const path = `/tasks/${encodeURIComponent(page.id)}`;
  let round = 0;
  const draw = async () => {
    const mine = (round += 1);
    const found = await get(`${path}/delivery`, page.signal).catch((problem) => (problem.status === 404 ? null : Promise.reject(problem)));
    section.hidden = !found || found.id === page.id;
    if (!found) return;
    fill(section, content(page, found, send));
    if (FINAL.includes(found.status)) return;
    await rest(EVERY, page.signal);
    if (mine === round && !page.signal.aborted) await draw(); // until it has arrived, or is given up
  };
  const send = async () => {
    try {
      await post(`${path}/redeliver`);
      page.say("The callback is sent again.");
      await draw();
    } catch (problem) {
      page.fail(problem);
    }
  };
  let seen = null;
  const show = (record) => {
    if (!FINAL.includes(record.status) || seen === record.updated_at) return;
    seen = record.updated_at;
    draw().catch(page.fail);
  };
  return { section, show };
}

function content(page, found, send) {
  const answer = found.result?.status_code ?? found.result?.status;
  return [
    h("h2", null, "Callback"),
    h("p", { class: "state" }, badge(found.status), ` after ${found.attempts} of ${found.max_retries} attempts`, answer && `, answered ${answer}`, ", ", jobLink(found.id, "the delivery")),
    h("ol", { class: "timeline" }, (found.errors ?? []).map((one) => h("li", { class: "failed" },
      h("p", null, h("strong", null, `Attempt ${one.attempt} failed`), " ", h("span", { class: "at" }, moment(one.at))),
      h("p", null, h("code", null, one.message))))),
    page.may("control") && FINAL.includes(found.status) && h("div", { class: "buttons" }, h("button", { type: "button", "data-mark": "redeliver", onclick: send }, "Send again")),
  ];
}
