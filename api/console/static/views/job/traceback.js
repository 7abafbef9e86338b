// The traceback of an error: the lines of one's own code first, all of it below.

import { h, number } from "../../dom.js";

const CHAIN = "Traceback (most recent call last):";
const FRAME = /^  File "([^"\n]+)", line \d+, in .+$/;
const LIBRARIES = /\/site-packages\/|\/dist-packages\/|\/lib\/python|^<frozen /;
const PLATFORM = /^  File "([^"\n]+\/project\/)job\/task\.py"/m;

/** The lines of a traceback, as `{path, lines, isOwn}` for each frame of its last part with own code. */
export function readFrames(text) {
  const home = PLATFORM.exec(text)?.[1]; // where the platform is: each job is called by it
  const parts = text.split(CHAIN).map((part) => framesIn(part, home));
  return parts.findLast((frames) => frames.some((frame) => frame.isOwn)) ?? parts.flat();
}

function framesIn(text, home) {
  const frames = [];
  for (const line of text.split("\n")) {
    const start = FRAME.exec(line);
    if (start) frames.push({ path: start[1], lines: [line], isOwn: !LIBRARIES.test(start[1]) && !(home && start[1].startsWith(home)) });
    else if (frames.length && line.startsWith("    ")) frames.at(-1).lines.push(line);
  }
  return frames;
}

/** `mark` keeps open what is open when the page is drawn anew. */
export function traceback(text, mark) {
  if (!text) return null;
  const frames = readFrames(text);
  const own = frames.filter((frame) => frame.isOwn);
  const whole = h("pre", { tabindex: 0 }, text);
  if (!own.length || own.length === frames.length) return whole;
  const others = number(frames.length - own.length);
  return [
    h("pre", { tabindex: 0, class: "own", role: "region", "aria-label": "The lines of your code" }, own.flatMap((frame) => frame.lines).join("\n")),
    h("details", { "data-mark": mark }, h("summary", { "data-mark": mark }, `Whole traceback, with ${others} ${others === "1" ? "line" : "lines"} of Celery, libraries and the platform`), whole),
  ];
}
