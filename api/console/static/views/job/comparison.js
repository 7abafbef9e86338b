// What differs between a job and another one: by default the one of its kind that was ordered before it.

import { fill, h, jobLink, number, span, table } from "../../dom.js";
import { at, get } from "../../http.js";
import { lastLine, runTime } from "../jobs/rows.js";

/** The section, and `show(record, order)`, which says what the job is now. */
export function comparison(page) {
  const place = h("div");
  const field = h("input", { id: "other", name: "other", maxlength: 100, autocomplete: "off", placeholder: "the job of this kind before it" });
  const shown = { record: null, order: null };
  const draw = async () => fill(place, await compare(page, shown, field.value.trim()));
  const ask = (event) => {
    event?.preventDefault();
    draw().catch((problem) => (problem.name === "AbortError" ? null : fill(place, h("p", { class: "wrong", role: "alert" }, problem.message))));
  };
  const details = h("details", { ontoggle: () => details.open && ask() }, h("summary", null, "Compare with another job"),
    h("form", { class: "buttons compared", onsubmit: ask }, h("label", { for: "other" }, "Its id"), field, h("button", { class: "quiet" }, "Compare")), place);
  const section = h("section", { class: "card", hidden: true }, details);
  const show = (record, order) => {
    Object.assign(shown, { record, order });
    section.hidden = false;
  };
  return { section, show };
}

async function compare(page, { record, order }, id) {
  const other = id ? await get(pathOf(id), page.signal) : await readBefore(page, record);
  if (!other) return h("p", { class: "empty" }, `No job of the kind ${record.kind} was ordered before this one.`);
  const there = await get(`${pathOf(other.id)}/payload`, page.signal);
  const { paths, differing, drawn } = differences(describe(record, order), describe(other, there), ["What differs", "This job", "The other"]);
  return [h("p", { class: "help" }, `${number(differing.length)} of ${number(paths.length)} values differ from `, jobLink(other.id), `, ${other.kind}.`), drawn];
}

/** What the last retry with changes has changed in the payload; null when there was none. */
export function retryChanges({ before, args, kwargs }) {
  if (!before) return null;
  const { differing, drawn } = differences({ payload: { args, ...kwargs } }, { payload: { args: before.args, ...before.kwargs } }, ["What a retry changed", "Now", "Before"]);
  return differing.length ? drawn : null;
}

function differences(one, other, [title, here, there]) {
  const [mine, theirs] = [flatten(one), flatten(other)];
  const paths = [...new Set([...mine.keys(), ...theirs.keys()])];
  const differing = paths.filter((path) => mine.get(path) !== theirs.get(path));
  const drawn = table(title, [
    ["What", (path) => h("span", { class: "mono" }, path)],
    [here, (path) => h("code", null, mine.get(path) ?? "–"), "about"],
    [there, (path) => h("code", null, theirs.get(path) ?? "–"), "about"],
  ], differing, "Nothing differs.");
  return { paths, differing, drawn };
}

const pathOf = (id) => `/tasks/${encodeURIComponent(id)}`;

async function readBefore(page, { id, kind, created_at: created }) {
  const { tasks } = await get(at("/tasks", { kind, created_before: created, limit: 2 }), page.signal);
  return tasks.find((one) => one.id !== id);
}

function describe(record, order) {
  const ran = runTime(record);
  return {
    status: record.status, attempts: record.attempts, queue: record.queue, lane: record.lane, tags: record.tags,
    ran: ran === null ? null : span(ran), error: record.status === "failed" ? lastLine(record.error) : null,
    payload: order.hidden ? null : order.args?.length ? order : order.kwargs, result: record.result,
  };
}

/** Path -> JSON of each value that has no parts; null and what is empty are left out. */
function flatten(value, path = "", found = new Map()) {
  if (value instanceof Object) for (const [name, one] of Object.entries(value)) flatten(one, path ? `${path}.${name}` : name, found);
  else if (value !== null && value !== undefined && value !== "") found.set(path, typeof value === "string" ? value : JSON.stringify(value));
  return found;
}
