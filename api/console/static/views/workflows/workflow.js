// One workflow: how far it is, its graph, and a list of its nodes; live until it has ended.

import { badge, bar, fill, h, jobLink, moment, number, span, table } from "../../dom.js";
import { at, get, post } from "../../http.js";
import { rest, seldom, watch } from "../../live.js";
import { lastLine } from "../jobs/rows.js";
import { graph, tellRows } from "./graph.js";
import { findCriticalPath, timesOf } from "./path.js";
import { ageOf, pathOf, progressOf, statusChips } from "./workflows.js";

const EVERY = 1_000;
const MOST_DRAWN = 1_000;
const PER_REQUEST = 500;
const PER_PAGE = 100;
const STATUSES = ["blocked", "pending", "running", "retrying", "waiting", "expanded", "success", "failed", "cancelled", "skipped", "stopped"];
const STOPPED = { cancel: "somebody cancelled it", deadline: "its deadline was over" };

export function workflow(page) {
  const parts = { title: h("h1", null, "Workflow"), head: h("section", { "aria-label": "Status", "aria-busy": "true" }), drawing: h("section", { "aria-label": "Graph of the workflow" }), list: h("section", null) };
  const view = { page, parts, found: null, nodes: [], graph: null };
  const refresh = seldom(() => load(view), EVERY, page.signal);
  view.refresh = refresh;
  refresh();
  watch("/events", { signal: page.signal, state: page.state, hear: ({ name, data }) => name !== "snapshot" && concerns(view, data) && refresh() });
  paint(view);
  return Object.values(parts);
}

/** Whether an event may be of a job of the workflow: of jobs that are yet to be made, nobody knows the id here. */
function concerns({ found, nodes }, { id }) {
  return found?.status === "running" || nodes.some(({ task }) => task === id);
}

/** The times of what runs go on. */
async function paint(view) {
  while (!view.page.signal.aborted) {
    await rest(1_000, view.page.signal);
    if (!document.hidden && view.found?.status === "running") draw(view);
  }
}

async function load(view) {
  const { page, parts } = view;
  const path = `/workflows/${encodeURIComponent(page.id)}`;
  const asked = { node: page.query.get("node") ?? "", status: page.query.get("status") ?? "", offset: page.query.get("offset") ?? "" };
  const isPlain = Object.values(asked).every((value) => !value);
  try {
    const [found, listed] = await Promise.all([readNodes(path, page.signal), isPlain ? null : get(at(path, { ...asked, limit: PER_PAGE }), page.signal)]);
    Object.assign(view, { found, nodes: found.page });
    document.title = `${found.name} ${found.status} · Continuo`;
    fill(parts.title, found.name);
    draw(view);
    fill(parts.list, list(page, asked, listed ?? firstOf(found)));
    parts.head.removeAttribute("aria-busy");
  } catch (problem) {
    if (problem.status === 404) fill(parts.head, h("p", { class: "empty" }, problem.message));
    else page.fail(problem);
  }
}

/** The workflow with the nodes that are drawn: none of them waits for another in a batch, so one page will do. */
async function readNodes(path, signal) {
  const found = await get(at(path, { limit: PER_REQUEST }), signal);
  while (hasEdges(found.page) && found.next_offset && found.page.length < MOST_DRAWN) {
    const more = await get(at(path, { limit: PER_REQUEST, offset: found.next_offset }), signal);
    found.page.push(...more.page);
    found.next_offset = more.next_offset;
  }
  return found;
}

const hasEdges = (nodes) => nodes.some(({ before }) => before.length);

function firstOf({ page, next_offset: next }) {
  return page.length > PER_PAGE ? { page: page.slice(0, PER_PAGE), next_offset: PER_PAGE } : { page, next_offset: next };
}

function draw(view) {
  const { page, parts, found, nodes } = view;
  fill(parts.head, head(view));
  if (!hasEdges(nodes)) return;
  if (view.graph) return void view.graph.update(nodes);
  view.graph = graph(nodes, { hrefOf: (node) => hrefOf(page.id, node), go: page.go });
  parts.drawing.append(view.graph.figure);
  if (found.next_offset) parts.drawing.append(h("p", { class: "help" }, `The graph has the first ${number(nodes.length)} nodes. The list below has all.`));
}

/** Where a node leads: to its rows, or to its job. */
function hrefOf(id, { id: node, rows, task }) {
  if (rows) return at(pathOf(id), { node });
  return task && `/console/jobs/${encodeURIComponent(task)}`;
}

// --- how it stands

function head({ page, found, nodes, refresh }) {
  const act = (what, words) => async () => {
    try {
      await post(`/workflows/${encodeURIComponent(page.id)}/${what}`);
      page.say(words);
      refresh();
    } catch (problem) {
      page.fail(problem);
    }
  };
  const isOver = found.status !== "running";
  const ends = Object.entries({ ...found.hooks, ...(found.delivery && { callback: found.delivery }) });
  return h("div", { class: "card head" },
    h("p", { class: "state" }, badge(found.status), found.open && "takes more jobs", found.tenant && `tenant ${found.tenant}`),
    bar(progressOf(found)),
    h("p", null, "Started ", moment(found.created_at), isOver && `, took ${span(ageOf(found))}`,
      found.deadline && !isOver && [", deadline ", moment(found.deadline)], "."),
    found.stopped && h("p", { class: "wrong" }, `Stopped: ${STOPPED[found.stopped] ?? `${found.stopped} failed`}.`),
    hasEdges(nodes) && !found.next_offset && critical(page, nodes),
    ends.length > 0 && h("p", null, "Jobs of its end: ", ends.map(([name, id], place) => [place > 0 && ", ", jobLink(id, name)]), "."),
    page.may("control") && h("div", { class: "buttons" },
      !isOver && h("button", { type: "button", class: "danger", "data-mark": "cancel", onclick: act("cancel", "The workflow is being cancelled.") }, "Cancel"),
      ["failed", "cancelled"].includes(found.status) && h("button", { type: "button", class: "first", "data-mark": "retry", onclick: act("retry", "What did not succeed runs again.") }, "Retry")));
}

const MOST_NAMES = 12;

function critical(page, nodes) {
  const { seconds, ids } = findCriticalPath(nodes, Date.now() / 1000);
  if (!ids.length) return null;
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const names = ids.length > MOST_NAMES ? [...ids.slice(0, MOST_NAMES - 1), null, ids.at(-1)] : ids;
  const name = (id) => {
    const href = id && hrefOf(page.id, byId.get(id));
    return href ? h("a", { href }, id) : id ?? "…";
  };
  return h("p", { class: "path" }, `Critical path: ${span(seconds)} through `, names.map((id, place) => [place > 0 && " → ", name(id)]), ".");
}

// --- the list

function list(page, asked, { page: nodes, next_offset: next }) {
  const path = pathOf(page.id);
  const { node, status, offset } = asked;
  return [
    h("h2", null, node ? `Rows of ${node}` : "Nodes"),
    node && h("p", null, h("a", { href: path }, "All nodes")),
    statusChips(path, STATUSES, status, { node }),
    h("div", { class: "list" }, tableOf(page.id, nodes)),
    h("nav", { class: "pager", "aria-label": "Pages of the list" },
      offset && h("a", { href: at(path, { node, status }) }, "First"),
      next && h("a", { href: at(path, { node, status, offset: next }), rel: "next" }, "Further")),
  ];
}

function tableOf(id, nodes) {
  const now = Date.now() / 1000;
  const time = (name) => (node) => {
    const seconds = timesOf(node, now)[name];
    return seconds === null ? "" : span(seconds);
  };
  const name = (node) => {
    const href = hrefOf(id, node);
    return href ? h("a", { href }, node.id) : node.id;
  };
  return table("Nodes", [
    ["Node", name, "id"],
    ["Status", ({ status }) => badge(status)],
    ["Kind", ({ kind }) => kind],
    ["Queued", time("queued"), "number"],
    ["Ran", time("ran"), "number"],
    ["Attempts", ({ attempts }) => attempts || "", "number"],
    ["Note", ({ rows, error }) => (rows ? tellRows(rows) : error && h("code", { class: "one-line" }, lastLine(error))), "about"],
  ], nodes, "No node is like that.");
}
