/** `Client`: the API of Continuo for browsers and Node. */
import { Conflict, JobCancelled, JobFailed, NotFinished, UnknownKind } from "./errors.js";
import { parseEvents } from "./events.js";
import { Transport, newKey, now, parseJson, sleep } from "./transport.js";
import type { ApiRequest } from "./transport.js";
import type {
  HistoryFilter,
  Job,
  JobEvent,
  JobFilter,
  JobRecord,
  OrderOf,
  OrderPath,
  Outcome,
  ResultOf,
  Schemas,
  Status,
  paths,
} from "./types.js";
import { Batches, Workflows } from "./workflows.js";
import type { Api } from "./workflows.js";

const EVENTS_SECONDS = 20;
const MAX_WAIT_SECONDS = 25;
const WAIT_PAUSE_SECONDS = 0.2;
const HOUR_SECONDS = 3_600;
const DAY_SECONDS = 86_400;
const FINAL_STATUSES: readonly Status[] = ["success", "failed", "cancelled"];
const SHIPPED_PATHS = {
  report: "/reports",
  export: "/exports",
  email_blast: "/emails",
  webhook: "/webhooks",
};

interface JobPage {
  tasks: JobRecord<any>[];
  next_cursor: string | null;
}

export interface ClientOptions {
  /** The API key, if one is needed. */
  key?: string;
  /** The seconds for which a request is repeated when no answer comes. */
  retrySeconds?: number;
  fetch?: typeof globalThis.fetch;
}

/** `idempotencyKey`: a new one unless you give one, such as to repeat a call in another process. */
export interface Once {
  idempotencyKey?: string;
}

export interface Within {
  seconds?: number;
}

export interface After extends Within {
  lastEventId?: string;
}

/**
 * Talks to the API at `url`. `Paths` has the types of its kinds; those of your own kinds come from
 * `openapi-typescript`.
 *
 * A request whose answer is lost, or that is answered with 429, 502, 503 or 504, is repeated for a
 * minute. An order or a rerun has an idempotency key, so it takes effect once. Every method throws
 * `Unreachable` and `Refused`, whose subclasses are the kinds of problems.
 */
export class Client<Paths = paths> {
  private readonly transport: Transport;
  private readonly api: Api = {
    call: (request) => this.call(request),
    post: (path, body, once) => this.post(path, body, once),
  };
  readonly workflows = new Workflows(this.api);
  readonly batches = new Batches(this.api);
  private readonly known: Record<string, string> = { ...SHIPPED_PATHS };

  constructor(url: string, options: ClientOptions = {}) {
    const { key = "", retrySeconds = 60, fetch = globalThis.fetch.bind(globalThis) } = options;
    this.transport = new Transport(url, key, retrySeconds, fetch);
  }

  /**
   * Order a job: `order("/reports", { type: "summary", delay: 60 })`, or by the name of its kind, of
   * which the types are not checked.
   */
  order<P extends OrderPath<Paths>>(
    path: P,
    body: OrderOf<Paths[P]>,
    once?: Once,
  ): Promise<JobRecord<ResultOf<Paths[P]>>>;
  order<K extends string>(
    kind: K & (K extends `/${string}` ? never : unknown),
    body?: object,
    once?: Once,
  ): Promise<JobRecord<any>>;
  async order(place: string, body: any = {}, once: Once = {}): Promise<JobRecord<any>> {
    const path = place.startsWith("/") ? place : await this.findPath(place);
    return this.post(path, body, once);
  }

  /** Order up to 1,000 jobs of any kinds in one step: `{ kind: "report", type: "summary" }`. */
  async orderMany(
    tasks: readonly ({ kind: string } & Record<string, unknown>)[],
    once: Once = {},
  ): Promise<Outcome[]> {
    return (await this.post<{ tasks: Outcome[] }>("/tasks/bulk", { tasks }, once)).tasks;
  }

  /** The record of a job. */
  get<R>(job: Job<R>): Promise<JobRecord<R>> {
    return this.call({ method: "GET", path: pathOf(job) });
  }

  /** The arguments of a job. */
  arguments(job: Job): Promise<Schemas["Payload"]> {
    return this.call({ method: "GET", path: `${pathOf(job)}/payload` });
  }

  /** The record when the job has ended. Throws `NotFinished` after `seconds`. */
  async wait<R>(job: Job<R>, { seconds = HOUR_SECONDS }: Within = {}): Promise<JobRecord<R>> {
    const end = now() + seconds;
    for (;;) {
      const wait = Math.round(Math.min(Math.max(end - now(), 1), MAX_WAIT_SECONDS));
      const headers = { Prefer: `wait=${wait}` };
      const record = await this.call<JobRecord<R>>({
        method: "GET",
        path: pathOf(job),
        headers,
        wait,
      });
      if (FINAL_STATUSES.includes(record.status)) return record;
      if (now() + WAIT_PAUSE_SECONDS >= end) {
        throw new NotFinished(`job ${record.id} has not ended in ${seconds} s`, record);
      }
      await sleep(WAIT_PAUSE_SECONDS);
    }
  }

  /** The result. Throws `JobFailed`, `JobCancelled` and, after `seconds`, `NotFinished`. */
  async result<R>(job: Job<R>, within: Within = {}): Promise<R> {
    const record = await this.wait(job, within);
    if (record.status === "failed") {
      const last = record.error.trimEnd().split("\n").at(-1);
      throw new JobFailed(`job ${record.id} failed: ${last}`, record);
    }
    if (record.status === "cancelled") {
      throw new JobCancelled(`job ${record.id} was cancelled`, record);
    }
    return record.result as R;
  }

  /** Each change of a job as it happens, until it has ended or `seconds` are over. */
  follow(job: Job, after: After = {}): AsyncGenerator<JobEvent, void> {
    return this.readEvents(`${pathOf(job)}/events`, {}, after);
  }

  /** Each change of all jobs, or of those of a kind, a queue or a status. */
  events(
    wanted: { kind?: string; queue?: string; status?: Status } = {},
    after: After = {},
  ): AsyncGenerator<JobEvent, void> {
    return this.readEvents("/events", wanted, after);
  }

  /** All jobs that match, newest first. */
  async *jobs(wanted: JobFilter = {}, pageSize = 50): AsyncGenerator<JobRecord<any>, void> {
    let cursor: string | null | undefined;
    do {
      const query = { ...wanted, limit: pageSize, cursor };
      const page = await this.call<JobPage>({ method: "GET", path: "/tasks", query });
      yield* page.tasks;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /**
   * All ended jobs that match, the last end first, also those whose record is deleted:
   * `history({ "payload.order.id": 17 }, { kind: "order" })`. `values` are those at paths in payload
   * or result. Throws `NotFound` when the platform keeps no history.
   */
  async *history(
    values: Record<string, string | number | boolean> = {},
    wanted: HistoryFilter = {},
    pageSize = 50,
  ): AsyncGenerator<Schemas["ArchivedJob"], void> {
    let cursor: string | null | undefined;
    do {
      const query = { ...wanted, ...values, limit: pageSize, cursor };
      const page = await this.call<Schemas["FoundHistory"]>({ method: "GET", path: "/history", query });
      yield* page.jobs;
      cursor = page.next_cursor;
    } while (cursor);
  }

  /** Cancel a job; one that is cancelled already stays so. Throws `Conflict` when it is over. */
  async cancel<R>(job: Job<R>): Promise<JobRecord<R>> {
    try {
      return await this.post(`${pathOf(job)}/cancel`);
    } catch (error) {
      const record = (error as { problem?: { task?: JobRecord<R> } }).problem?.task;
      if (error instanceof Conflict && record?.status === "cancelled") return record;
      throw error;
    }
  }

  /** What a job has logged: the last 64 KB, and files of what is more. */
  log(
    job: Job<any>,
    wanted: { attempt?: number; level?: Schemas["JobLogLine"]["level"]; after?: number } = {},
  ): Promise<Schemas["JobLog"]> {
    return this.call({ method: "GET", path: `${pathOf(job)}/logs`, query: wanted });
  }

  /**
   * Send a signal to a job, which goes on if it waits for one of this name. The same again changes
   * nothing. Throws `Conflict` for a different one, and when the wait or the job is over.
   */
  signal(job: Job<any>, name: string, value: unknown = null): Promise<Schemas["SentSignal"]> {
    const path = `${pathOf(job)}/signals/${encodeURIComponent(name)}`;
    return this.call({ method: "POST", path, body: value, isSafe: true });
  }

  /** Rerun a failed or cancelled job; `maxRetries`: the most attempts from now on. */
  retry<R>(
    job: Job<R>,
    { payload, maxRetries, ...once }: { payload?: object; maxRetries?: number } & Once = {},
  ): Promise<JobRecord<R>> {
    const isChanged = payload !== undefined || maxRetries !== undefined;
    const body = isChanged ? { payload, max_retries: maxRetries } : undefined;
    return this.post(`${pathOf(job)}/retry`, body, once);
  }

  /** Cancel all jobs that match, by a job whose record is returned; `{}` means all. */
  cancelAll(filter: JobFilter, once: Once = {}): Promise<JobRecord<any>> {
    return this.post("/tasks/cancel", { filter }, once);
  }

  /** Rerun all failed or cancelled jobs that match, as `cancelAll`. */
  retryAll(filter: JobFilter, once: Once = {}): Promise<JobRecord<any>> {
    return this.post("/tasks/retry", { filter }, once);
  }

  async kinds(): Promise<Schemas["OfferedKind"][]> {
    return (await this.call<Schemas["OfferedKinds"]>({ method: "GET", path: "/kinds" })).kinds;
  }

  async queues(): Promise<Schemas["Queue"][]> {
    return (await this.call<Schemas["QueueList"]>({ method: "GET", path: "/queues" })).queues;
  }

  pauseQueue(name: string): Promise<Schemas["Queue"]> {
    return this.changeQueue(name, "pause");
  }

  resumeQueue(name: string): Promise<Schemas["Queue"]> {
    return this.changeQueue(name, "resume");
  }

  async workers(): Promise<Schemas["Worker"][]> {
    return (await this.call<Schemas["WorkerList"]>({ method: "GET", path: "/workers" })).workers;
  }

  /** The JSON of any route. Only GET, or with `isSafe`, is repeated when it may have arrived. */
  async call<T>(request: ApiRequest): Promise<T> {
    const { isSafe = request.method === "GET" } = request;
    return parseJson(await this.transport.send({ ...request, isSafe }));
  }

  private async post<T>(path: string, body?: unknown, once: Once = {}): Promise<T> {
    const key = once.idempotencyKey ?? newKey();
    const headers = { "Idempotency-Key": key };
    return parseJson(await this.transport.send({ method: "POST", path, body, headers }));
  }

  private changeQueue(name: string, change: string): Promise<Schemas["Queue"]> {
    const path = `/queues/${encodeURIComponent(name)}/${change}`;
    return this.call({ method: "POST", path, isSafe: true });
  }

  private async findPath(kind: string): Promise<string> {
    if (!(kind in this.known)) {
      for (const each of await this.kinds()) this.known[each.kind] = each.path;
    }
    const path = this.known[kind];
    if (path) return path;
    const names = Object.keys(this.known).sort().join(", ");
    throw new UnknownKind(`there is no kind '${kind}' to order; there are: ${names}`);
  }

  private async *readEvents(
    path: string,
    query: object,
    { seconds = DAY_SECONDS, lastEventId = "" }: After,
  ): AsyncGenerator<JobEvent, void> {
    const end = now() + seconds;
    let lastId = lastEventId;
    while (now() < end) {
      const headers: Record<string, string> = lastId ? { "Last-Event-ID": lastId } : {};
      const request = { method: "GET", path, query, headers, wait: EVENTS_SECONDS };
      const answer = await this.transport.send(request);
      if (answer.status === 204) return;
      const batch = parseEvents(answer.text);
      lastId = batch.lastId || lastId;
      yield* batch.events;
      if (batch.events.some((event) => event.name === "end")) return;
      await sleep(batch.pause);
    }
  }
}

function pathOf(job: Job<any>): string {
  return `/tasks/${encodeURIComponent(typeof job === "string" ? job : job.id)}`;
}
