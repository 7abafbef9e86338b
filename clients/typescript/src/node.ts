/** Files to disk, in Node: into a part file, which a later attempt or a later process continues. */
import { open, readFile, rename, rm, stat, writeFile } from "node:fs/promises";

import { NotTheApi, Unreachable, refusalFrom } from "./errors.js";
import { describeFault, now, sleep } from "./transport.js";

const PASSING = [429, 502, 503, 504];
const ANSWER_SECONDS = 10;
const PAUSE_SECONDS = 0.5;

/**
 * Download a file that a job made, by the link in its result, to `path`. What has come is kept in
 * `path` + ".part". There it continues after a lost connection, and so does the next call, if the
 * content is the same. Throws `Unreachable` when nothing has come for `retrySeconds`, and `Refused`.
 */
export async function download(link: string, path: string, retrySeconds = 60): Promise<void> {
  const part = new PartFile(path);
  let size = await part.size();
  let end = now() + retrySeconds;
  for (;;) {
    let fault = "is busy";
    try {
      if (await fetchPart(link, part)) return await part.finish();
    } catch (error) {
      if (error instanceof NotTheApi || !(error instanceof Error) || "problem" in error) throw error;
      if ("syscall" in error) throw error; // of the disk; those of the network have a cause
      fault = describeFault(error).fault;
    }
    const got = await part.size();
    if (got > size) end = now() + retrySeconds;
    size = got;
    if (now() + PAUSE_SECONDS >= end) {
      throw new Unreachable(`got ${got} bytes of ${path}; the server ${fault}`);
    }
    await sleep(PAUSE_SECONDS);
  }
}

/** Fetch what is missing; whether the file is whole. */
async function fetchPart(link: string, part: PartFile): Promise<boolean> {
  const stalled = new AbortController();
  const restart = () => setTimeout(() => stalled.abort(), ANSWER_SECONDS * 1000);
  let timer = restart();
  try {
    const headers = await part.headers();
    const response = await fetch(link, { headers, signal: stalled.signal });
    if (response.status === 416) {
      await part.drop();
      return false;
    }
    if (PASSING.includes(response.status)) return false;
    if (!response.ok || !response.body) throw await readProblem(response);
    if (!(await part.begin(response))) return false;
    const file = await open(part.part, "a");
    try {
      for await (const chunk of response.body) {
        clearTimeout(timer);
        timer = restart();
        await file.write(chunk);
      }
    } finally {
      await file.close();
    }
    return part.total === null || part.total === (await part.size());
  } finally {
    clearTimeout(timer);
  }
}

async function readProblem(response: Response): Promise<Error> {
  try {
    return refusalFrom(JSON.parse(await response.text()));
  } catch {
    return new NotTheApi(`the answer ${response.status} is no problem document: is this the API?`);
  }
}

/** `NAME.part` and, in `NAME.part.etag`, which content it is a part of. */
class PartFile {
  readonly part: string;
  private readonly tagFile: string;
  total: number | null = null;

  constructor(private readonly path: string) {
    this.part = `${path}.part`;
    this.tagFile = `${path}.part.etag`;
  }

  async size(): Promise<number> {
    return stat(this.part).then((found) => found.size, () => 0);
  }

  private async tag(): Promise<string> {
    return readFile(this.tagFile, "utf8").catch(() => "");
  }

  /** The headers that ask for the rest of the same content, or for all of it. */
  async headers(): Promise<Record<string, string>> {
    const [size, tag] = [await this.size(), await this.tag()];
    const whole = { "Accept-Encoding": "identity" };
    return size && tag ? { ...whole, Range: `bytes=${size}-`, "If-Range": tag } : whole;
  }

  /** Keep the part when the answer continues it, else begin anew; false for another part. */
  async begin(response: Response): Promise<boolean> {
    const tag = response.headers.get("ETag") ?? "";
    if (response.status !== 206) {
      const length = response.headers.get("Content-Length");
      this.total = length === null ? null : Number(length);
      await writeFile(this.part, "");
      await writeFile(this.tagFile, tag.startsWith("W/") ? "" : tag);
      return true;
    }
    const told = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers.get("Content-Range") ?? "");
    if (!told || Number(told[1]) !== (await this.size()) || tag !== (await this.tag())) {
      await this.drop();
      return false;
    }
    this.total = Number(told[2]);
    return true;
  }

  async finish(): Promise<void> {
    const file = await open(this.part, "r+");
    await file.sync().finally(() => file.close());
    await rename(this.part, this.path);
    await rm(this.tagFile, { force: true });
  }

  async drop(): Promise<void> {
    await rm(this.part, { force: true });
    await rm(this.tagFile, { force: true });
  }
}
