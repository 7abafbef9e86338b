/** Requests, and when they are repeated. */
import { NotTheApi, Unreachable, refusalFrom } from "./errors.js";
import { VERSION } from "./version.js";

const ANSWER_SECONDS = 10;
const MIN_PAUSE_SECONDS = 0.2;
const MAX_PAUSE_SECONDS = 5;
const NO_ANSWER = 0;
/** The answers after which a request is repeated. */
const PASSING = [NO_ANSWER, 429, 502, 503, 504];
/** The errors of Node after which nothing can have arrived; browsers do not tell. */
const UNSENT = ["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "UND_ERR_CONNECT_TIMEOUT"];

/** Browsers have a user agent of their own. */
const IS_NODE = typeof process !== "undefined" && Boolean(process.versions?.node);

export interface ApiRequest {
  method: string;
  path: string;
  query?: object;
  body?: unknown;
  headers?: Record<string, string>;
  /** The seconds for which the API may hold the answer. */
  wait?: number;
  /** Whether it acts once, however often it arrives; true by default. */
  isSafe?: boolean;
}

/** An answer; its status is `NO_ANSWER` when there is none, and `fault` says why. */
export interface Answer {
  status: number;
  text: string;
  retryAfter: number;
  fault: string;
  wasSent: boolean;
}

export class Transport {
  readonly url: string;

  constructor(
    url: string,
    private readonly key: string,
    private readonly retrySeconds: number,
    private readonly fetch: typeof globalThis.fetch,
  ) {
    if (!/^https?:\/\/[^/?#@\s]+(\/[^?#\s]*)?$/.test(url)) {
      throw new TypeError("the URL of the API is http://host or https://host, without a login");
    }
    this.url = url.replace(/\/+$/, "");
  }

  /** The answer 2xx, after as many requests as it takes. Throws `Refused` and `Unreachable`. */
  async send(request: ApiRequest): Promise<Answer> {
    const end = now() + this.retrySeconds + (request.wait ?? 0);
    let pause = MIN_PAUSE_SECONDS;
    let mayHaveActed = false;
    for (;;) {
      const answer = await this.exchange(request);
      mayHaveActed ||= answer.status === NO_ANSWER && answer.wasSent;
      const delay = Math.max(pause * (0.5 + Math.random() / 2), answer.retryAfter);
      if (!canRepeat(request, answer) || now() + delay >= end) {
        return requireSuccess(answer, mayHaveActed);
      }
      await sleep(delay);
      pause = Math.min(pause * 2, MAX_PAUSE_SECONDS);
    }
  }

  private async exchange(request: ApiRequest): Promise<Answer> {
    const headers: Record<string, string> = { ...request.headers };
    if (this.key) headers["X-API-Key"] = this.key;
    if (IS_NODE) headers["User-Agent"] = `continuo-client/${VERSION}`;
    if (request.body !== undefined) headers["Content-Type"] = "application/json";
    const seconds = ANSWER_SECONDS + (request.wait ?? 0);
    try {
      const response = await this.fetch(this.url + request.path + formatQuery(request.query), {
        method: request.method,
        headers,
        body: request.body === undefined ? null : JSON.stringify(request.body),
        redirect: "manual",
        signal: AbortSignal.timeout(seconds * 1000),
      });
      // a browser hides where a redirect leads to, and that it is one
      const status = response.type === "opaqueredirect" ? 302 : response.status;
      const text = await response.text();
      const retryAfter = Number(response.headers.get("Retry-After") ?? 0) || 0;
      return { status, text, retryAfter, fault: "is busy", wasSent: true };
    } catch (error) {
      return { status: NO_ANSWER, text: "", retryAfter: 0, ...describeFault(error) };
    }
  }
}

function canRepeat(request: ApiRequest, answer: Answer): boolean {
  if (!PASSING.includes(answer.status)) return false;
  return request.isSafe !== false || answer.status === 429 || !answer.wasSent;
}

function requireSuccess(answer: Answer, mayHaveActed: boolean): Answer {
  if (answer.status === NO_ANSWER) throw new Unreachable(`the API ${answer.fault}`, mayHaveActed);
  if (answer.status >= 200 && answer.status < 300) return answer;
  const problem = parseProblem(answer.text);
  if (problem) throw refusalFrom(problem);
  throw new NotTheApi(`the answer ${answer.status} is no problem document: is this the API?`);
}

function parseProblem(text: string): any {
  try {
    const problem = JSON.parse(text);
    return typeof problem.status === "number" && problem.title ? problem : null;
  } catch {
    return null;
  }
}

/** Why there is no answer, and whether the request may have arrived. */
export function describeFault(error: unknown): { fault: string; wasSent: boolean } {
  const cause = (error as { cause?: { code?: string; message?: string } }).cause;
  const text = cause?.message || cause?.code || String((error as Error).message ?? error);
  return { fault: `does not answer: ${text}`, wasSent: !UNSENT.includes(cause?.code ?? "") };
}

export function parseJson(answer: Answer): any {
  if (!answer.text) return null;
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new NotTheApi(`the answer ${answer.status} is not JSON: is this the API?`);
  }
}

function formatQuery(query: object = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/** A new idempotency key. `crypto.randomUUID` is missing on pages without TLS. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The seconds of a clock that is never set back. */
export function now(): number {
  return performance.now() / 1000;
}

export function sleep(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
