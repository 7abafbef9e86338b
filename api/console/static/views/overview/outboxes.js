// The outboxes of applications: what waits there, and what cannot become a job. Nothing is shown when there are none.

import { fill, h, moment, number, span, table } from "../../dom.js";
import { drop, get, post } from "../../http.js";
import { keep } from "../../live.js";

const PATH = "/outboxes";
const REFUSED_PATH = `${PATH}/refused`;
const EVERY = 4_000;

export function outboxes(page) {
  const part = h("div");
  const draw = async ({ outboxes }) => {
    if (!outboxes.length) return void fill(part);
    const { refused, problems } = await readRefused(outboxes, page.signal);
    const act = page.may("control") && ((verb, row) => change(page, verb, row, () => refresh(page, draw)));
    fill(part,
      h("h2", null, "Outboxes"),
      h("p", { class: "help" }, "Orders that applications have committed in their own databases. Workers make jobs of them."),
      tableOf(outboxes),
      Object.entries(problems).map(([name, problem]) => h("p", { class: "wrong" }, `${name}: ${problem}`)),
      refused.length > 0 && h("h3", null, "Refused orders"),
      refused.length > 0 && refusedTable(refused, act));
  };
  keep(page, PATH, EVERY, (found) => draw(found).catch(page.fail));
  return part;
}

/** Nothing, without a question, when no outbox has refused anything, and when this API cannot look into them. */
async function readRefused(outboxes, signal) {
  const none = { refused: [], problems: {} };
  if (!outboxes.some((one) => one.refused)) return none;
  return get(REFUSED_PATH, signal).catch((problem) => (problem.status === 404 ? none : Promise.reject(problem)));
}

function tableOf(outboxes) {
  const columns = [
    ["Outbox", (one) => one.name],
    ["Waiting", (one) => number(one.rows), "number"],
    ["Oldest", (one) => (one.rows ? span(one.lag) : "–"), "number"],
    ["Refused", (one) => (one.refused ? h("span", { class: "badge failed" }, number(one.refused)) : number(0)), "number"],
    ["Looked at", (one) => moment(Date.now() / 1000 - one.unseen)],
  ];
  return table("Outboxes", columns, outboxes, "No outbox.");
}

function refusedTable(refused, act) {
  const columns = [
    ["Job", (row) => h("span", { class: "mono" }, row.id)],
    ["Kind", (row) => row.kind],
    ["Outbox", (row) => row.outbox],
    ["Reason", (row) => row.reason],
    ["Refused", (row) => moment(row.refused_at)],
  ];
  if (act) columns.push(["Action", (row) => [button("Retry", row, act), " ", button("Delete", row, act)], "about"]);
  return table("Refused orders", columns, refused, "None.");
}

function button(verb, row, act) {
  return h("button", { type: "button", "data-mark": `${verb}-${row.id}`, "aria-label": `${verb} ${row.id}`, onclick: () => act(verb, row) }, verb);
}

async function change(page, verb, row, then) {
  if (verb === "Delete" && !confirm(`Delete the order ${row.id}? It never becomes a job.`)) return;
  const path = `${REFUSED_PATH}/${row.id}`;
  try {
    await (verb === "Retry" ? post(`${path}/retry`) : drop(path));
    page.say(verb === "Retry" ? `${row.id} is ordered again.` : `${row.id} is deleted.`);
    await then();
  } catch (problem) {
    page.fail(problem);
  }
}

async function refresh(page, draw) {
  await draw(await get(PATH, page.signal));
}
