// What a job has logged: by level, and live while it runs.

import { fill, h, size } from "../../dom.js";
import { at, get } from "../../http.js";
import { rest } from "../../live.js";
import { row } from "../../log-line.js";

const LEVELS = ["debug", "info", "warning", "error", "critical"];
const MAX_LINES = 2_000;
const EVERY = 1_000;

/** The section of the log, and `show(record)`, which reads on when the job has changed since. */
export function jobLog(page) {
  const level = h("select", { id: "log-level", name: "level" }, LEVELS.map((one) => h("option", { value: one }, one)));
  const follow = h("input", { id: "log-follow", type: "checkbox", checked: true });
  const box = h("div", { class: "lines mono", tabindex: 0, role: "log", "aria-live": "off", "aria-label": "Lines of the log" });
  const about = h("p", { class: "help" });
  const log = { lines: [], place: 0, dropped: 0, version: null, isAsleep: true };
  const controls = h("div", { class: "buttons", hidden: true },
    h("label", { for: "log-level" }, "From level"), level,
    follow, h("label", { for: "log-follow" }, "Follow"));
  const draw = () => {
    controls.hidden = !log.lines.length;
    drawLines(log, level.value, follow.checked, box, about);
  };
  level.addEventListener("change", draw);
  follow.addEventListener("change", draw);
  const show = ({ updated_at: version }) => {
    section.hidden = false;
    if (log.isAsleep && log.version !== version) readOn(page, log, draw);
    log.version = version;
  };
  const section = h("section", { class: "card log", "aria-label": "Log", hidden: true }, h("h2", null, "Log"),
    controls, box, about);
  return { section, show };
}

/** Until the job has ended. Its last lines may come a moment after that. */
async function readOn(page, log, draw) {
  const path = `/tasks/${encodeURIComponent(page.id)}/logs`;
  log.isAsleep = false;
  let seen = log.version;
  for (let looksAfterEnd = 0; looksAfterEnd < 2 && !page.signal.aborted;) {
    if (seen !== log.version) looksAfterEnd = 0;
    seen = log.version;
    if (!document.hidden) {
      const found = await get(at(path, { after: log.place }), page.signal).catch(() => null);
      if (found) add(log, found);
      if (found?.ended) looksAfterEnd += 1;
      draw();
    }
    await rest(EVERY, page.signal);
  }
  log.isAsleep = true;
}

function add(log, { lines, next, dropped }) {
  log.lines = [...log.lines, ...lines].slice(-MAX_LINES);
  log.place = next;
  log.dropped += dropped;
}

function drawLines(log, least, isFollowed, box, about) {
  const wanted = log.lines.filter((line) => LEVELS.indexOf(line.level) >= LEVELS.indexOf(least));
  const several = log.lines.some((line) => line.attempt !== log.lines[0].attempt);
  box.hidden = !wanted.length;
  fill(box, wanted.map((line) => row(line, several)));
  if (isFollowed) box.scrollTop = box.scrollHeight;
  about.textContent = [
    log.lines.length > wanted.length ? `${wanted.length} of ${log.lines.length} lines.` : !wanted.length && "Nothing is logged.",
    log.dropped > 0 && `${size(log.dropped)} before them are no longer kept.`,
  ].filter(Boolean).join(" ");
}
