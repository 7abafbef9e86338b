// What the charts of the overview are of: which time, and which jobs. All of it is in the address.

import { h } from "../../dom.js";
import { stretchOf } from "../../plot.js";

const HOUR = 3_600;
const DAY = 24 * HOUR;
const MINUTES_UP_TO = 6 * HOUR;
const HOURS_UP_TO = 8 * DAY;
const INTERVALS = { minute: 60, hour: HOUR, day: DAY };
const GROUPS = ["kind", "queue", "lane", "tenant"];

const RANGES = { hour: ["the last hour", HOUR], day: ["the last 24 hours", DAY], week: ["the last 7 days", 7 * DAY], month: ["the last 30 days", 30 * DAY], quarter: ["the last 90 days", 90 * DAY] };

/**
 * From when to when (null: until now), of what length its points are, which jobs, and how the table is divided. `isLive`: Redis
 * has it, where the history is not needed.
 */
export function scopeOf({ query }) {
  const filter = Object.fromEntries(GROUPS.map((name) => [name, query.get(name)]).filter(([, value]) => value));
  const by = GROUPS.includes(query.get("by")) ? query.get("by") : "kind";
  const [from, to] = ["from", "to"].map((name) => Number(query.get(name)));
  const isChosen = from > 0 && to > from;
  const range = query.get("range") in RANGES ? query.get("range") : "hour";
  const seconds = isChosen ? to - from : RANGES[range][1];
  const interval = seconds <= MINUTES_UP_TO ? "minute" : seconds <= HOURS_UP_TO ? "hour" : "day";
  const isLast = !isChosen && range === "hour";
  const isLive = (isLast || (isChosen && from > Date.now() / 1000 - HOUR)) && !Object.keys(filter).length;
  const when = isChosen ? stretchOf(from, to) : `in ${RANGES[range][0]}`;
  return { filter, by, range, isChosen, from, to, seconds, interval, isLive, when };
}

/** The seconds since 1970 between which the points are, and how long each is. */
export function boundsOf({ isChosen, from, to, seconds, interval }) {
  const length = INTERVALS[interval];
  if (isChosen) return { start: from, end: to, length };
  const end = Math.ceil(Date.now() / 1000 / Math.min(length, HOUR)) * Math.min(length, HOUR);
  return { start: end - seconds, end, length };
}

/** The overview with something else in its address; null takes it out. */
export function addressWith({ query }, changes) {
  const next = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) value === null ? next.delete(name) : next.set(name, value);
  return next.size ? `/?${next}` : "/";
}

export function choices(page) {
  const scope = scopeOf(page);
  const chip = (words, changes, isCurrent) => h("a", { class: "chip", href: addressWith(page, changes), "aria-current": isCurrent ? "true" : null }, words);
  return h("nav", { class: "chips", "aria-label": "Time and jobs of the charts" },
    Object.entries(RANGES).map(([name, [words]]) =>
      chip(words, { range: name === "hour" ? null : name, from: null, to: null }, !scope.isChosen && name === scope.range)),
    scope.isChosen && chip(`${scope.when} ×`, { from: null, to: null }, true),
    Object.entries(scope.filter).map(([name, value]) => chip(`${name} ${value} ×`, { [name]: null }, true)));
}

export function groupings(page) {
  const { by } = scopeOf(page);
  return h("nav", { class: "chips", "aria-label": "Rows of the table" }, GROUPS.map((name) =>
    h("a", { class: "chip", href: addressWith(page, { by: name === "kind" ? null : name }), "aria-current": name === by ? "true" : null }, `by ${name}`)));
}
