// The attempts and steps of a job as bars on one line of time: queued, waiting, running.

import { h, s, span } from "../../dom.js";

const WIDTH = Math.min(1000, Math.max(320, innerWidth - 90));
const LEFT = WIDTH < 600 ? 84 : 150;
const RIGHT = 8;
const ROW = 22;
const TOP = 20;
const MAX_ROWS = 60;
const FINAL = ["success", "failed", "cancelled"];
const WORDS = { queued: "queued", waits: "waits", running: "runs", success: "success", failed: "failed", cancelled: "interrupted or cancelled" };

/** Rows of `{name, bars}`; a bar is `{look, from, to}` in seconds since 1970. */
export function readRows(record, now) {
  const rows = [];
  let free = record.created_at; // since when the job could run
  let asked = record.created_at; // since when the attempt is wanted
  for (const one of record.errors ?? []) {
    rows.push({ name: `Attempt ${one.attempt}`, bars: [...before(record, asked, free, one.started_at ?? one.at), ...run(one)] });
    asked = one.at;
    free = one.at + (one.next_delay ?? 0);
    if (one.next_delay === null) free = asked = null; // until somebody runs it again
  }
  const last = lastAttempt(record, asked, free, now);
  if (last) rows.push(last);
  for (const { name, started_at: from, finished_at: to, wait: ended } of record.steps ?? []) {
    rows.push({ name, bars: [{ look: ended ? "waits" : "success", from, to }] });
  }
  return rows.slice(0, MAX_ROWS);
}

function wait(asked, free, until) {
  if (asked === null) return [];
  const due = Math.min(free, until);
  return [{ look: "waits", from: asked, to: due }, { look: "queued", from: due, to: until }].filter(({ from, to }) => to > from);
}

/** What an attempt did before its last start: it waited, and if it slept or waited for signals, it also ran. */
function before({ steps = [] }, asked, free, start) {
  const early = steps.filter((step) => asked !== null && step.started_at >= asked && step.started_at < start);
  if (!early.length) return wait(asked, free, start);
  const begun = Math.min(...early.map((step) => step.started_at));
  const waits = early.filter((step) => step.wait).map((step) => ({ look: "waits", from: step.started_at, to: Math.min(step.finished_at, start) }));
  return [...wait(asked, free, begun), { look: "running", from: begun, to: start }, ...waits];
}

function run({ started_at: from, at: to, interrupted }) {
  return from ? [{ look: interrupted ? "cancelled" : "failed", from, to }] : [];
}

/** The attempt that runs, is waited for, or has ended the job; none if the last error did that. */
function lastAttempt(record, asked, free, now) {
  const { status, started_at: start, finished_at: end, attempts } = record;
  const known = (record.errors ?? []).at(-1);
  const hasBegun = start !== null && !(known && known.at >= start);
  if (FINAL.includes(status) && !hasBegun) return null;
  const begun = asked === null ? record.updated_at : asked;
  const name = `Attempt ${hasBegun ? attempts : attempts + 1}`;
  if (!hasBegun) return { name, bars: wait(begun, record.due_at ?? free ?? begun, now) };
  const past = before(record, asked, free, start);
  if (FINAL.includes(status)) return { name, bars: [...past, { look: status, from: start, to: end }] };
  const stopped = record.wait?.started_at ?? (status === "running" ? now : record.updated_at); // it waits since then
  return { name, bars: [...past, { look: "running", from: start, to: stopped }, { look: "waits", from: stopped, to: now }].filter(({ from, to }) => to > from) };
}

/** The drawing; null for a job of which there is nothing to tell. */
export function attempts(record) {
  const rows = readRows(record, Date.now() / 1000).filter((row) => row.bars.length);
  if (!rows.length) return null;
  const bars = rows.flatMap((row) => row.bars);
  const start = Math.min(...bars.map((bar) => bar.from));
  const total = Math.max(...bars.map((bar) => bar.to)) - start || 0.001;
  const place = (at) => LEFT + ((at - start) / total) * (WIDTH - LEFT - RIGHT);
  const height = TOP + rows.length * ROW;
  const words = rows.map(inWords).join("; ");
  const looks = [...new Set(bars.map((bar) => bar.look))];
  return h("figure", { class: "scaled" },
    s("svg", { viewBox: `0 0 ${WIDTH} ${height}`, role: "img", "aria-label": `Times of the attempts: ${words}` },
      [0, 0.5, 1].map((part) => mark(part, total, height)),
      rows.map((row, number) => drawRow(row, number, place))),
    h("p", { class: "legend" }, looks.map((look) => h("span", { class: look }, WORDS[look]))));
}

function mark(part, total, height) {
  const x = LEFT + part * (WIDTH - LEFT - RIGHT);
  const anchor = { 0: "start", 0.5: "middle", 1: "end" }[part];
  return [
    s("line", { class: "grid", x1: x, x2: x, y1: TOP - 4, y2: height }),
    s("text", { x, y: 11, "text-anchor": anchor }, part ? `after ${span(part * total)}` : "ordered"),
  ];
}

function drawRow({ name, bars }, number, place) {
  const y = TOP + number * ROW;
  const most = LEFT < 100 ? 11 : 21;
  return [
    s("text", { x: LEFT - 8, y: y + 14, "text-anchor": "end" }, name.length > most ? `${name.slice(0, most)}…` : name),
    bars.map(({ look, from, to }) => s("rect", { class: look, x: place(from), y: y + 3, width: Math.max(place(to) - place(from), 2), height: ROW - 8, rx: 2 },
      s("title", null, `${name}: ${WORDS[look]}, ${span(to - from)}`))),
  ];
}

function inWords({ name, bars }) {
  return `${name} ${bars.map(({ look, from, to }) => `${WORDS[look]} ${span(to - from)}`).join(", ")}`;
}
