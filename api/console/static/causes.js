// The causes of failed jobs, for pages that only need their headlines.

import { h } from "./dom.js";
import { at, get } from "./http.js";

const LONGEST = 10_000;
let known = { at: 0, causes: new Map() };

export const pathOf = (fingerprint) => `/console/errors/${encodeURIComponent(fingerprint)}`;

/** Fingerprint -> cause, at most ten seconds old; empty for those who may not see them. */
export async function readCauses(page) {
  if (!page.sees.all) return new Map();
  if (Date.now() - known.at < LONGEST) return known.causes;
  const { errors } = await get(at("/errors", { limit: 1_000 }), page.signal);
  known = { at: Date.now(), causes: new Map(errors.map((one) => [one.fingerprint, one])) };
  return known.causes;
}

export function forgetCauses() {
  known = { at: 0, causes: new Map() };
}

/** Whether a cause came up, or came back, within the last day, and nobody has said anything of it. */
export function isNews({ state, first, last, regressions }) {
  const yesterday = Date.now() / 1000 - 86_400;
  return state === "open" && (first > yesterday || (regressions > 0 && last > yesterday));
}

const LOOK = { open: "failed", resolved: "success", ignored: "cancelled" };

export function stateBadge({ state, regressions }) {
  return h("span", { class: `badge ${LOOK[state]}` }, state === "open" && regressions ? "open again" : state);
}
