// What somebody sees who has no job yet: how to order the first one.

import { h } from "../../dom.js";
import { key, newKey, post } from "../../http.js";

const ORDER = { type: "summary" };

/** How to order a report, or a job of a kind of one's own where there are no reports. */
export function firstJob(page) {
  const mayReport = page.has("reports") && page.may("submit=report");
  return h("section", { class: "card order", "aria-label": "The first job" },
    h("h2", null, "There is no job yet"),
    mayReport ? byReport(page) : byKind(page),
    h("p", { class: "help" }, "This page then shows how jobs are doing. ", page.has("docs") && ["All that can be ordered is in ", h("a", { href: "/docs" }, "the description of the API"), "."]));
}

function byReport(page) {
  const wish = newKey(); // pressing the button twice orders one report
  const order = async () => {
    try {
      const record = await post("/reports", ORDER, { "Idempotency-Key": wish });
      page.go(`/console/jobs/${record.id}`);
    } catch (problem) {
      page.fail(problem);
    }
  };
  return [
    h("p", null, "Order a small report of the data that comes with the platform, here or from a shell:"),
    h("div", { class: "buttons" },
      h("button", { type: "button", class: "first", onclick: order }, "Order a report"),
      h("a", { class: "button", href: "/console/new" }, "Another job")),
    curl("/reports", ORDER),
  ];
}

function byKind(page) {
  if (!page.may("submit=*")) return h("p", null, "This key may not order jobs. Jobs of others appear here.");
  return [
    h("p", null, "Write a job in Python, and give its task a path; then order it here or from a shell:"),
    h("div", { class: "buttons" }, h("a", { class: "button first", href: "/console/new" }, "New job")),
  ];
}

function curl(path, body) {
  const secret = key.get() ? " \\\n  -H 'X-API-Key: YOUR_KEY'" : "";
  return h("pre", { tabindex: 0, role: "region", "aria-label": "The same order with curl" },
    `curl ${location.origin}${path}${secret} \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body)}'`);
}
