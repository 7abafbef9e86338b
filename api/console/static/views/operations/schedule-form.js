// Writes a schedule; while its expression is typed, says it in words and shows the next ten times.

import { fill, h } from "../../dom.js";
import { post, put } from "../../http.js";
import { pathOf, timesOf } from "../../schedules.js";

const WAIT = 300;
const EXAMPLE = { kind: "report", type: "summary", filters: {} };

export function form(page, done) {
  const preview = h("div", { role: "status" });
  const cron = input("cron", "Cron expression", { required: true, value: "0 7 * * MON-FRI", autocomplete: "off", "aria-describedby": "cron-help" });
  const zone = input("zone", "Time zone", { required: true, value: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC" });
  const order = h("textarea", { id: "schedule-order", name: "order", rows: 8, required: true }, JSON.stringify(EXAMPLE, null, 2));
  let timer;
  const show = () => {
    clearTimeout(timer);
    timer = setTimeout(() => look(page, preview, timingOf(cron, zone)), WAIT);
  };
  const submit = async (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("name").trim();
    try {
      await put(pathOf(name), { ...timingOf(cron, zone), order: JSON.parse(order.value) });
      page.say(`${name} is written.`);
      await done();
    } catch (problem) {
      page.fail(problem);
    }
  };
  for (const field of [cron, zone]) field.addEventListener("input", show);
  show();
  return h("div", { class: "beside" },
    h("form", { class: "order card", onsubmit: submit, "aria-label": "New schedule" },
      field("Name", input("name", "Name", { required: true, maxlength: 100, autocomplete: "off" })),
      field("Cron expression", cron, h("p", { class: "help", id: "cron-help" }, "Minute, hour, day of the month, month, day of the week")),
      field("Time zone", zone),
      h("div", { class: "field" }, h("label", { for: "schedule-order" }, "Order"), order),
      h("div", { class: "buttons" }, h("button", { class: "first" }, "Write"))),
    preview);
}

function input(name, label, more) {
  return h("input", { id: `schedule-${name}`, name, ...more });
}

function field(label, element, ...more) {
  return h("div", { class: "field" }, h("label", { for: element.id }, label), element, more);
}

const timingOf = (cron, zone) => ({ cron: cron.value, zone: zone.value });

async function look(page, preview, timing) {
  try {
    fill(preview, timesOf(await post("/schedules/preview", timing)));
  } catch (problem) {
    if (problem.status === 422) fill(preview, h("p", { class: "wrong" }, problem.message));
    else page.fail(problem);
  }
}
