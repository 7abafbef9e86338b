// Run again or cancel all jobs that match a filter, after their number was shown.

import { ago, badge, h, number } from "../../dom.js";
import { newKey, post } from "../../http.js";

const VERBS = { retry: "Retry", cancel: "Cancel" };

/** `what` is "retry" or "cancel"; the page of the job that does the work follows. */
export async function actOnAll(page, what, filter) {
  try {
    const found = await post(`/tasks/${what}`, { filter, dry_run: true });
    if (!found.matches) return page.say(`No job matches that can be ${what === "retry" ? "run again" : "cancelled"}.`);
    const count = `${found.complete ? "" : "at least "}${jobs(found.matches)}`;
    confirm(page, `${VERBS[what]} ${count}`, what, found.sample, async () => {
      const order = await post(`/tasks/${what}`, { filter }, { "Idempotency-Key": newKey() });
      page.go(`/console/jobs/${order.id}`);
    });
  } catch (problem) {
    page.fail(problem);
  }
}

/** The same for jobs that were chosen one by one: each is asked for, and how many did it is told. */
export function actOnEach(page, what, tasks, done) {
  confirm(page, `${VERBS[what]} ${jobs(tasks.length)}`, what, tasks, async () => {
    const answers = await Promise.allSettled(tasks.map(({ id }) => post(`/tasks/${encodeURIComponent(id)}/${what}`, {})));
    const refused = answers.filter(({ status }) => status === "rejected");
    const words = `${jobs(tasks.length - refused.length)} ${what === "retry" ? "queued again" : "cancelled"}`;
    page.say(refused.length ? `${words}; ${jobs(refused.length)} not: ${refused[0].reason.message}` : `${words}.`, refused.length > 0);
    done();
  });
}

function jobs(count) {
  return `${number(count)} ${count === 1 ? "job" : "jobs"}`;
}

function confirm(page, words, what, sample, act) {
  const dialog = h("dialog", { "aria-labelledby": "ask", onclose: () => dialog.remove() },
    h("form", { method: "dialog", onsubmit: (event) => event.submitter.value === "yes" && act().catch(page.fail) },
      h("h2", { id: "ask" }, `${words}?`),
      h("p", null, "The newest of them:"),
      h("ul", null, sample.slice(0, 5).map((task) => h("li", null, badge(task.status), ` ${task.kind}, ${ago(task.created_at)}`))),
      h("div", { class: "buttons" },
        h("button", { value: "no", autofocus: true }, "No"),
        h("button", { value: "yes", class: what === "cancel" ? "danger" : "first" }, words))));
  document.body.append(dialog);
  dialog.showModal();
}
