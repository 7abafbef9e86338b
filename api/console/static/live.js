// Server-Sent Events by fetch: an EventSource cannot send an API key. Each answer of the API ends; asking again with
// the id of what came last misses nothing. A page that nobody looks at does not ask.

import { get, withKey } from "./http.js";

const FIRST_PAUSE = 500;
const LONGEST_PAUSE = 5_000;

/** Call `hear({name, data})` for what happens after the event `last`, until the signal or the end; `state("live" | "away")` tells
 * how it goes. Returns the id to go on from. */
export async function watch(path, { hear, signal, last = "", state = () => {} }) {
  let pause = FIRST_PAUSE;
  while (!signal.aborted) {
    await seen(signal);
    try {
      const answer = await fetch(path, { headers: withKey(last ? { "Last-Event-ID": last } : {}), signal });
      if (answer.status === 204) return last;
      if (!answer.ok) throw new Error(`${answer.status}`);
      const { events, place, retry } = read(await answer.text());
      last = place || last;
      state("live");
      for (const event of events) hear(event);
      pause = FIRST_PAUSE;
      if (retry) await rest(retry, signal);
    } catch {
      if (signal.aborted) return;
      state("away");
      await rest(pause, signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
  return last;
}

/** The events of an answer, the id to go on from, and the milliseconds until to ask again. */
export function read(text) {
  const events = [];
  let place = "";
  let retry = 0;
  for (const block of text.split("\n\n")) {
    const fields = new Map(block.split("\n").filter((line) => line && !line.startsWith(":")).map(split));
    place = fields.get("id") ?? place;
    retry = Number(fields.get("retry") ?? retry);
    if (fields.has("data")) events.push({ name: fields.get("event") ?? "message", data: JSON.parse(fields.get("data")) });
  }
  return { events, place, retry };
}

function split(line) {
  const colon = line.indexOf(": ");
  return [line.slice(0, colon), line.slice(colon + 2)];
}

/** When the page is looked at. */
function seen(signal) {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve, { once: true });
  });
}

export function rest(milliseconds, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
  });
}

/** Calls `act` soon after it is asked to, not more often than every so many milliseconds, one at a time. */
export function seldom(act, every, signal) {
  let asked = false;
  let busy = false;
  return async function again() {
    asked = true;
    if (busy) return;
    busy = true;
    while (asked && !signal.aborted) {
      asked = false;
      await act();
      await rest(every, signal);
    }
    busy = false;
  };
}

/** Draw what the API answers, again and again while the page is looked at. */
export async function keep(page, path, every, draw) {
  while (!page.signal.aborted) {
    if (!document.hidden) await once(page, path, draw);
    await rest(every, page.signal);
  }
}

/** Draw what the API answers now. */
export async function once(page, path, draw) {
  try {
    draw(await get(path, page.signal));
    page.state("live");
  } catch (problem) {
    if (!page.signal.aborted) page.fail(problem);
  }
}
