// All workflows and batches, newest first.

import { badge, bar, fill, h, moment, number, span, table } from "../../dom.js";
import { at } from "../../http.js";
import { keep } from "../../live.js";

const PATH = "/console/workflows";
const EVERY = 2_000;
const PER_PAGE = 50;
const STATUSES = ["running", "success", "failed", "cancelled"];

export const pathOf = (id) => `${PATH}/${encodeURIComponent(id)}`;

export function workflows(page) {
  const status = page.query.get("status") ?? "";
  const offset = Number(page.query.get("offset") ?? 0);
  const list = h("div", { class: "list", "aria-busy": "true" });
  keep(page, at("/workflows", { status, offset: offset || "", limit: PER_PAGE }), EVERY, (found) => {
    fill(list, h("p", { class: "count" }, `${number(found.total)} in all, newest first`), tableOf(found.workflows, page), pager(found, status, offset));
    list.removeAttribute("aria-busy");
  });
  return [
    h("h1", null, "Workflows"),
    h("p", { class: "help" }, "Jobs that wait for each other, and batches."),
    statusChips(PATH, STATUSES, status),
    list,
  ];
}

/** Links that show all, or those of one status. */
export function statusChips(path, statuses, chosen, others = {}) {
  const chip = (status, words) => h("a", { class: "chip", href: at(path, { ...others, status }), "aria-current": status === chosen ? "true" : null }, words);
  return h("nav", { class: "chips", "aria-label": "Status" }, chip("", "all"), statuses.map((one) => chip(one, one)));
}

function tableOf(found, page) {
  const columns = [
    ["Name", (one) => h("a", { href: pathOf(one.id) }, one.name), "id"],
    ["Status", ({ status }) => badge(status)],
    ["Nodes", (one) => bar(progressOf(one)), "about"],
    ["Started", (one) => moment(one.created_at)],
    ["Age", (one) => span(ageOf(one)), "number"],
    page.sees.all && found.some((one) => one.tenant) && ["Tenant", (one) => one.tenant ?? ""],
  ];
  return table("Workflows", columns.filter(Boolean), found, "No workflow is like that.");
}

/** How long a workflow has taken, until now if it goes on. */
export function ageOf({ created_at: start, finished_at: end }) {
  return Math.max((end ?? Date.now() / 1000) - start, 0);
}

/** How far a workflow is, with what did not succeed. */
export function progressOf({ nodes: { ended, total, ...counts } }) {
  const note = ["failed", "cancelled", "skipped"].filter((name) => counts[name]).map((name) => `${number(counts[name])} ${name}`).join(", ");
  return { done: ended, total, note };
}

function pager({ next_offset: next }, status, offset) {
  return h("nav", { class: "pager", "aria-label": "Pages of the list" },
    offset > 0 && h("a", { href: at(PATH, { status }) }, "Newest"),
    next && h("a", { href: at(PATH, { status, offset: next }), rel: "next" }, "Older"));
}
