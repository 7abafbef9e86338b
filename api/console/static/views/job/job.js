// One job: what it is, how it went, what came out; live until it is final.

import { pathOf, readCauses } from "../../causes.js";
import { badge, bar, fill, h, jobLink, kindLink, moment, number, size, span } from "../../dom.js";
import { at, get, post } from "../../http.js";
import { rest, seldom, watch } from "../../live.js";
import { clock, exact } from "../../times.js";
import { attempts } from "./attempts.js";
import { surroundings } from "./surroundings.js";
import { jobLog } from "./log.js";
import { comparison, retryChanges } from "./comparison.js";
import { delivery } from "./delivery.js";
import { events } from "./events.js";
import { hold, readHolds } from "../jobs/holds.js";
import { lastLine } from "../jobs/rows.js";
import { traceback } from "./traceback.js";
import { tree } from "./tree.js";
import { question } from "./waits.js";

/** What ended a wait, by how long it took. */
const WAITED = {
  signal: (time) => `The signal came after ${time}.`,
  timeout: (time) => `No signal came within ${time}.`,
  sleep: (time) => `Slept for ${time}.`,
};

const FINAL = ["success", "failed", "cancelled"];

export function job(page) {
  const place = h("div", { "aria-busy": "true" });
  const rest = h("div");
  const [around, log, called, compared, happened] = [surroundings, jobLog, delivery, comparison, events].map((build) => build(page));
  const refresh = seldom(() => load(page, place, rest, [around, log, called, compared]), 250, page.signal);
  refresh();
  follow(page, (event) => {
    happened.hear(event);
    refresh();
  });
  return [h("h1", null, "Job ", h("span", { class: "mono" }, page.id)), place, around.section, log.section, called.section, rest, happened.section, compared.section];
}

/** From the first event of the job until the page is left: a job that is final may be run again. */
async function follow(page, hear) {
  const path = `/tasks/${encodeURIComponent(page.id)}/events`;
  let last = "0-0";
  while (!page.signal.aborted) {
    last = await watch(path, { signal: page.signal, state: page.state, last, hear });
    await rest(2_000, page.signal);
  }
}

async function load(page, place, rest, parts) {
  const path = `/tasks/${encodeURIComponent(page.id)}`;
  try {
    const [record, order, kinds, causes] = await Promise.all([get(path, page.signal), get(`${path}/payload`, page.signal), readKinds(page), readCauses(page)]);
    document.title = `${record.kind} ${record.status} · Continuo`;
    const changes = again(page, record, order, kinds);
    fill(place, head(page, record, await readHolds(page, [record]), changes), outcome(page, record, causes.get(record.cause)));
    fill(rest, history(record), done(record), details(page, record, order), raw(page, record));
    for (const part of parts) part.show(record, order);
    place.removeAttribute("aria-busy");
  } catch (problem) {
    if (problem.status === 404) fill(place, h("p", { class: "empty" }, `${problem.message}. Records are deleted after some days: `,
      h("a", { href: `/console/history?${new URLSearchParams({ id: page.id })}` }, "look in the history"), "."));
    else page.fail(problem);
  }
}

async function readKinds(page) {
  page.kinds ??= (await get("/kinds", page.signal)).kinds.map((one) => one.kind);
  return page.kinds;
}

/** The way to a form with what this job said; none where that is hidden, or stored in another form. */
function again(page, { id, kind, status }, order, kinds) {
  const isKnown = kinds.includes(kind) && kind !== "email_blast" && page.may(`submit=${kind}`);
  if (!isKnown || order.hidden || order.args?.length) return null;
  const link = (words, more) => h("a", { class: "button", href: at("/console/new", { kind, from: id, ...more }) }, words);
  const mayRetry = page.may("control") && ["failed", "cancelled"].includes(status);
  return [mayRetry && link("Retry with changes", { retry: "true" }), link("Order again with changes")];
}

function head(page, record, holds, changes) {
  const act = (what, words) => async () => {
    try {
      await post(`/tasks/${record.id}/${what}`, {});
      page.say(words);
    } catch (problem) {
      page.fail(problem);
    }
  };
  const is = (...statuses) => statuses.includes(record.status);
  return h("section", { class: "card head", "aria-label": "Status" },
    h("p", { class: "state" }, badge(record.status), " ", h("strong", null, kindLink(record.kind)), ` on the queue ${record.queue}`,
      record.tags.map((tag) => h("a", { class: "tag", href: `/console/jobs?${new URLSearchParams({ tag })}` }, tag))),
    record.status !== "waiting" && hold(record, holds),
    question(page, record),
    expected(record),
    is("running") && bar(record.progress),
    h("div", { class: "buttons" }, page.may("control") && [
      !FINAL.includes(record.status) && h("button", { type: "button", class: "danger", "data-mark": "cancel", onclick: act("cancel", "The job is being cancelled.") }, "Cancel"),
      is("failed", "cancelled") && h("button", { type: "button", class: "first", "data-mark": "retry", onclick: act("retry", "The job is queued again.") }, "Retry")], changes));
}

function expected({ status, position, estimate }) {
  if (status !== "pending" || position === null || position === undefined) return null;
  const before = position ? `${number(position)} before it` : "next in its queue";
  return h("p", null, estimate ? [before, ", starts ", moment(estimate.starts_at), ", ends ", moment(estimate.ends_at)] : before);
}

// --- what came out

function outcome(page, { status, result, error }, cause) {
  if (status === "success") return h("section", { class: "card" }, h("h2", null, "Result"), file(result), tree(page, result, "result"));
  if (status !== "failed" || !error) return null;
  return h("section", { class: "card" }, h("h2", null, "Error"), h("p", { class: "wrong" }, lastLine(error)),
    cause && h("p", null, "Cause: ", h("a", { href: pathOf(cause.fingerprint) }, cause.headline), ` (${number(cause.count)} ${cause.count === 1 ? "job" : "jobs"})`),
    traceback(error, "error"));
}

function file(result) {
  const href = addressOf(result?.download_url);
  if (!href) return null;
  const about = [result.pages && `${number(result.pages)} pages`, result.rows && `${number(result.rows)} rows`, result.size && size(result.size)];
  return h("p", { class: "file" },
    h("a", { class: "button first", href, target: "_blank", rel: "noopener" }, `Open ${result.filename ?? "the file"}`),
    ` ${about.filter(Boolean).join(", ")}`);
}

/** Where a file is to be had; a file of ours from wherever this page is. Null for what is no web address. */
export function addressOf(link) {
  if (!URL.canParse(link)) return null;
  const { protocol, pathname, href } = new URL(link);
  if (!["http:", "https:"].includes(protocol)) return null;
  return pathname.startsWith("/artifacts/") ? pathname : href;
}

function json(value) {
  return h("pre", { tabindex: 0 }, JSON.stringify(value, null, 2));
}

// --- how it went

function history(record) {
  const steps = [
    step(record.created_at, "ordered", "Ordered"),
    ...(record.errors ?? []).map((one, place, all) => failure(one, place, all[place - 1])),
    ...now(record),
  ];
  return h("section", { class: "card" }, h("h2", null, "Attempts"), attempts(record), h("ol", { class: "timeline" }, steps));
}

function failure(one, place, before) {
  const title = one.interrupted ? "Interrupted, not counted" : `Attempt ${one.attempt} failed`;
  const next = one.next_delay === null ? "There are no more attempts." : one.next_delay ? `Next attempt after ${span(one.next_delay)}.` : "Next attempt at once.";
  return step(one.at, one.interrupted ? "cancelled" : "failed", title,
    h("p", null, h("code", null, `${one.class}: ${one.message}`)),
    h("p", { class: "help" }, `${one.worker ? `On ${one.worker}. ` : ""}${isSame(one, before) ? "The same error as before. " : ""}${next}`),
    one.traceback && h("details", { "data-mark": `trace-${place}` }, h("summary", { "data-mark": `trace-${place}` }, "Traceback"), traceback(one.traceback, `whole-${place}`)));
}

function isSame(one, before) {
  return before?.class === one.class && before.message === one.message;
}

function now(record) {
  const { status, started_at: start, finished_at: end, attempts, due_at: dueAt } = record;
  if (status === "running") return [step(start, "running", `Attempt ${attempts} runs`)];
  if (status === "retrying") return [step(record.updated_at, "retrying", `Waits for attempt ${attempts + 1} of ${record.max_retries}`)];
  if (status === "waiting") return [step(record.updated_at, "waiting", record.wait?.kind === "sleep" ? "Sleeps" : "Waits for a signal")];
  if (status === "pending") return [step(record.updated_at, "pending", dueAt === null ? "Waits for a worker" : "Waits for its time")];
  if (status === "success") return [step(end, "success", `Attempt ${attempts} succeeded`, h("p", { class: "help" }, `It took ${span(end - start)}.`))];
  return [step(end, status, status === "failed" ? "Failed for good" : "Cancelled")];
}

function step(at, status, title, ...more) {
  return h("li", { class: status }, h("p", null, h("strong", null, title), " ", h("span", { class: "at", title: exact(at) }, clock(at))), more);
}

/** The steps that are done: what another attempt skips. */
function done({ steps = [] }) {
  if (!steps.length) return null;
  const row = ({ name, started_at: start, finished_at: end, wait }) =>
    step(start, wait ? "waiting" : "success", name, h("p", { class: "help" }, (WAITED[wait] ?? ((time) => `It took ${time}.`))(span(end - start))));
  return h("section", { class: "card" }, h("h2", null, "Finished steps"), h("ol", { class: "timeline" }, steps.map(row)));
}

// --- the rest

function details(page, record, order) {
  const row = (name, value) => h("div", null, h("dt", null, name), h("dd", null, value));
  return h("section", { class: "card" }, h("h2", null, "Order"),
    h("dl", null,
      row("Ordered", moment(record.created_at)), row("Started", moment(record.started_at)),
      row("Finished", moment(record.finished_at)), row("Attempts", `${record.attempts} of ${record.max_retries}`),
      row("Interruptions", record.interruptions), record.tenant && row("Tenant", record.tenant), origin(page, record.origin ?? {}, row)),
    h("h3", null, "Payload"),
    order.hidden ? h("p", { class: "help" }, "Hidden: jobs of this kind may contain secrets.") : tree(page, order.args.length ? { args: order.args, kwargs: order.kwargs } : order.kwargs, "payload"),
    retryChanges(order));
}

/** Where the job comes from. */
function origin(page, { schedule, job, trace }, row) {
  return [
    schedule && row("Schedule", h("a", { href: `/console/schedules/${encodeURIComponent(schedule)}` }, schedule)),
    job && row("Ordered by", jobLink(job)),
    trace && row("Trace", page.traces ? h("a", { href: page.traces.replace("{trace}", trace) }, trace) : h("span", { class: "mono" }, trace)),
  ];
}

function raw(page, record) {
  return h("section", { class: "card" },
    page.flower && h("p", null, h("a", { href: `${page.flower}/task/${encodeURIComponent(record.id)}` }, "Show in Flower"), h("span", { class: "at" }, ", if it ran while Flower did")),
    h("details", { "data-mark": "raw" }, h("summary", { "data-mark": "raw" }, "Raw record"), json(record)));
}
