// What the console tells while nothing answers: since when, and of when that is what it shows.

import { fill, h } from "./dom.js";
import { clock } from "./times.js";

const LOOK_EVERY = 1_500;
const PATIENCE = 2_000;

/** What a page waits for may take long: a look at the API every moment tells earlier that nothing answers. */
export function watchOutages(banner, connection, goOn) {
  const state = { answered: null, since: null, reason: "" };
  const draw = () => {
    connection.textContent = state.since ? "No answer" : state.answered ? "Live" : "";
    connection.className = state.since ? "away" : state.answered ? "live" : "";
    fill(banner, state.since && words(state, tryAgain));
  };
  const hear = () => {
    if (state.since) return; // an answer may have been under way: only a look ends an outage
    state.answered = Date.now();
    draw();
  };
  const look = async () => {
    const reason = await findReason();
    if (reason) Object.assign(state, { since: state.since ?? Date.now(), reason });
    else Object.assign(state, { since: null, answered: Date.now() });
    draw();
    return reason;
  };
  const tryAgain = async ({ target }) => {
    target.disabled = true;
    if (await look()) target.disabled = false;
    else goOn();
  };
  setInterval(() => document.hidden || look(), LOOK_EVERY);
  return { hear, look };
}

/** Why the API cannot be used; null when it can. */
async function findReason() {
  const answer = await fetch("/health/ready", { signal: AbortSignal.timeout(PATIENCE) }).catch(() => null);
  if (!answer) return "The API cannot be reached";
  return answer.ok ? null : (await answer.json().catch(() => ({}))).detail ?? `The API answers ${answer.status}`;
}

function words({ answered, since, reason }, tryAgain) {
  return [
    h("p", null, h("strong", null, `No answer since ${clock(since / 1000)}. `),
      answered && `What is shown is from ${clock(answered / 1000)}. `, `${reason}.`),
    h("button", { type: "button", "data-mark": "again", onclick: tryAgain }, "Try again"),
  ];
}
