// A line of a log, of a job or of a worker.

import { h } from "./dom.js";
import { clock, exact } from "./times.js";

const LOOK = { critical: "failed", error: "failed", warning: "retrying", info: "running", debug: "pending" };

/** A line; with the attempt when there are several. */
export function row({ at: when, attempt, level, logger, message }, several = false) {
  return h("p", { class: LOOK[level] ?? "pending" },
    h("span", { class: "at", title: exact(when) }, clock(when), several && ` attempt ${attempt}`), " ",
    h("strong", null, level), " ",
    logger && h("span", { class: "at" }, logger, " "), message);
}
