// What a waiting job asks, with a button for each answer.

import { h, moment } from "../../dom.js";
import { post } from "../../http.js";

/** The open wait of a job; null when it has none. */
export function question(page, { id, status, wait }) {
  if (status !== "waiting" || !wait) return null;
  if (wait.kind === "sleep") return h("p", null, "Sleeps since ", moment(wait.started_at), "; goes on ", moment(wait.ends_at), ".");
  const send = (signal, words) => async () => {
    try {
      await post(`/tasks/${encodeURIComponent(id)}/signals/${encodeURIComponent(wait.name)}`, signal);
      page.say(words);
    } catch (problem) {
      page.fail(problem);
    }
  };
  const choices = Object.entries(wait.choices ?? {});
  return h("div", { class: "question" },
    h("p", null, h("strong", null, wait.question || `Waits for the signal ${wait.name}`), " It waits since ", moment(wait.started_at), "; the wait ends ", moment(wait.ends_at), "."),
    page.may("control") && h("div", { class: "buttons" },
      choices.map(([words, signal]) =>
        h("button", { type: "button", class: "first", "data-mark": `answer-${words}`, onclick: send(signal, `Sent: ${words}.`) }, words)),
      !choices.length && h("button", { type: "button", class: "first", "data-mark": "answer", onclick: () => ask(wait, send) }, "Send the signal")));
}

/** Ask for the JSON of a signal that has no choices, and send it. */
function ask(wait, send) {
  const text = globalThis.prompt(`The signal ${wait.name}, as JSON`, "true");
  if (text === null) return;
  try {
    send(JSON.parse(text), "The signal was sent.")();
  } catch {
    globalThis.alert("This is not JSON: put texts in double quotes.");
  }
}
