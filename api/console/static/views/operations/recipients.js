// Which mails one person got, newest first.

import { fill, h, jobLink, moment, table } from "../../dom.js";
import { at, get } from "../../http.js";

export const pathOf = (address) => `/console/recipients/${encodeURIComponent(address)}`;

export function recipients(page) {
  const list = h("div", { class: "list" });
  if (page.id) load(page, list);
  return [
    h("h1", null, page.id ? `Mails to ${page.id}` : "Mails to one person"),
    search(page),
    page.id && h("p", { class: "help" }, h("a", { href: at("/console/search", { text: page.id }) }, "Jobs with this address in their payload or result")),
    list,
  ];
}

function search(page) {
  const submit = (event) => {
    event.preventDefault();
    const address = new FormData(event.target).get("address").trim();
    if (address) page.go(pathOf(address));
  };
  return h("form", { class: "filters card", onsubmit: submit, "aria-label": "Which person" },
    h("div", { class: "field" },
      h("label", { for: "address" }, "Address"),
      h("input", { id: "address", name: "address", type: "search", required: true, maxlength: 254, autocomplete: "off", value: page.id || null })),
    h("div", { class: "buttons" }, h("button", { class: "first" }, "Find")));
}

async function load(page, list) {
  list.setAttribute("aria-busy", "true");
  const path = `/emails/recipients/${encodeURIComponent(page.id)}`;
  try {
    const found = await get(at(path, { cursor: page.query.get("cursor") ?? "" }), page.signal);
    fill(list, suppressed(found), tableOf(found.mails), pager(page, found));
    list.removeAttribute("aria-busy");
  } catch (problem) {
    page.fail(problem);
  }
}

function suppressed(found) {
  const entry = found.suppression;
  return entry && h("p", { class: "count" }, `Gets no more mail: on the suppression list (${entry.reason}), since `, moment(entry.since));
}

function tableOf(mails) {
  const columns = [
    ["Outcome", (mail) => h("span", { class: `badge ${look(mail.outcome)}` }, mail.outcome)],
    ["Template", (mail) => mail.template || "–"],
    ["When", (mail) => moment(mail.at)],
    ["Blast", (mail) => jobLink(mail.id), "id"],
  ];
  if (mails.some((mail) => mail.tenant)) columns.push(["Tenant", (mail) => mail.tenant]);
  return table("Mails", columns, mails, "No mail to this address is known.");
}

function look(outcome) {
  return { sent: "success", waiting: "pending", retry: "retrying", bounced: "failed", rejected: "failed" }[outcome] ?? "cancelled";
}

function pager(page, found) {
  const path = pathOf(page.id);
  return h("nav", { class: "pager", "aria-label": "Pages of the list" },
    page.query.get("cursor") && h("a", { href: path }, "Newest"),
    found.next_cursor && h("a", { href: at(path, { cursor: found.next_cursor }), rel: "next" }, "Older"));
}
