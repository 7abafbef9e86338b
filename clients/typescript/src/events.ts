/** Server-Sent Events as the API sends them: whole answers, each with the pause before the next. */
import type { JobEvent } from "./types.js";

const MIN_PAUSE_SECONDS = 0.05;
const MAX_PAUSE_SECONDS = 10;

export interface EventBatch {
  events: JobEvent[];
  /** The id to continue after, "" for none. */
  lastId: string;
  pause: number;
}

export function parseEvents(text: string): EventBatch {
  const events: JobEvent[] = [];
  let lastId = "";
  let pause = 0;
  for (const block of text.split("\n\n").filter(Boolean)) {
    const lines = new Map(block.split("\n").map(splitLine));
    lastId = lines.get("id") ?? lastId;
    pause = Number(lines.get("retry") ?? pause * 1000) / 1000;
    const data = lines.get("data");
    if (data === undefined) continue;
    const name = (lines.get("event") ?? "change") as JobEvent["name"];
    events.push({ name, id: lines.get("id") ?? "", data: JSON.parse(data) });
  }
  return { events, lastId, pause: Math.min(Math.max(pause, MIN_PAUSE_SECONDS), MAX_PAUSE_SECONDS) };
}

function splitLine(line: string): [string, string] {
  const at = line.indexOf(": ");
  return at < 0 ? [line, ""] : [line.slice(0, at), line.slice(at + 2)];
}
