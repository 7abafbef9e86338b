// Schedules in tables: all, what is said of one, and its next times.

import { badge, h, moment, number, span, table } from "./dom.js";

export const pathOf = (name) => `/schedules/${encodeURIComponent(name)}`;
const nameOf = (schedule) => (schedule.tenant ? `${schedule.tenant}/${schedule.name}` : schedule.name);
const pageOf = (name) => `/console/schedules/${encodeURIComponent(name)}`;

export function tableOf(found) {
  return table("Schedules", [
    ["Schedule", (schedule) => h("a", { href: pageOf(nameOf(schedule)) }, nameOf(schedule))],
    ["Kind", (schedule) => schedule.order.kind],
    ["When", (schedule) => whenOf(schedule), "about"],
    ["Next", (schedule) => moment(schedule.next)],
    ["Last", (schedule) => lastOf(schedule.last)],
    ["Late by", (schedule) => (schedule.late > 1 ? h("span", { class: "wrong" }, span(schedule.late)) : "–"), "number"],
    ["State", stateOf],
  ], found, "No schedule yet.");
}

export function whenOf(schedule) {
  if (schedule.cron) return `${schedule.words} (${schedule.zone})`;
  return schedule.every ? `Every ${span(schedule.every)}` : `At ${number(schedule.at.length)} times`;
}

export function lastOf(firing) {
  if (!firing) return "–";
  return [firing.status ? badge(firing.status) : firing.what, " ", moment(firing.at)];
}

export function stateOf(schedule) {
  if (schedule.paused) return h("span", { class: `badge ${schedule.paused === "failures" ? "failed" : "retrying"}` }, `paused: ${schedule.paused}`);
  return schedule.next === null ? "over" : "active";
}

export function timesOf(found) {
  return [
    found.words && h("p", null, found.words),
    table("Next times", [[found.zone, (time) => time.local.slice(0, 16).replace("T", " ")], ["UTC", (time) => time.utc.slice(0, 16).replace("T", " ")]],
      found.times, "No time follows."),
  ];
}
