/** `client.workflows` and `client.batches`. */
import { Conflict, NotFinished } from "./errors.js";
import { now, sleep } from "./transport.js";
import type { ApiRequest } from "./transport.js";
import type { Schemas } from "./types.js";

const MIN_LOOK_SECONDS = 0.2;
const MAX_LOOK_SECONDS = 2;
const HOUR_SECONDS = 3_600;

export type WorkflowRecord = Schemas["Workflow"];
export type ShownWorkflow = Schemas["ShownWorkflow"];

/** A workflow or a batch: its id or its record. */
export type WorkflowRef = string | WorkflowRecord | ShownWorkflow;

/** What the client sends: with `post`, under an idempotency key. */
export interface Api {
  call<T>(request: ApiRequest): Promise<T>;
  post<T>(path: string, body: unknown, once: { idempotencyKey?: string }): Promise<T>;
}

export class Workflows {
  constructor(private readonly api: Api) {}

  /** Order a workflow of up to 10,000 nodes; it fails when `deadline` seconds are over. */
  order(
    workflow: Schemas["WorkflowOrder"],
    once: { idempotencyKey?: string } = {},
  ): Promise<WorkflowRecord> {
    return this.api.post("/workflows", workflow, once);
  }

  /** A workflow with a page of its nodes, or of the rows of the fan-out `node`. */
  get(
    workflow: WorkflowRef,
    wanted: { offset?: number; limit?: number; node?: string } = {},
  ): Promise<ShownWorkflow> {
    return this.api.call({ method: "GET", path: pathOf(workflow), query: wanted });
  }

  /** The workflow, or batch, when it has ended. Throws `NotFinished` after `seconds`. */
  async wait(
    workflow: WorkflowRef,
    { seconds = HOUR_SECONDS }: { seconds?: number } = {},
  ): Promise<ShownWorkflow> {
    const end = now() + seconds;
    for (let pause = MIN_LOOK_SECONDS; ; pause = Math.min(2 * pause, MAX_LOOK_SECONDS)) {
      const shown = await this.get(workflow);
      if (shown.status !== "running") return shown;
      if (now() + pause >= end) {
        throw new NotFinished(`workflow ${shown.id} has not ended in ${seconds} s`, shown);
      }
      await sleep(pause);
    }
  }

  /** Cancel a workflow. Throws `Conflict` when it has ended otherwise. */
  async cancel(workflow: WorkflowRef): Promise<WorkflowRecord> {
    try {
      const path = `${pathOf(workflow)}/cancel`;
      return await this.api.call({ method: "POST", path, isSafe: true });
    } catch (error) {
      if (!(error instanceof Conflict)) throw error;
      const shown = await this.get(workflow, { limit: 0 });
      if (shown.status === "cancelled") return shown;
      throw error;
    }
  }

  /** Run again what failed or was cancelled. Throws `Conflict` when there is nothing. */
  retry(workflow: WorkflowRef): Promise<WorkflowRecord> {
    return this.api.call({ method: "POST", path: `${pathOf(workflow)}/retry` });
  }

  /** All workflows and batches, newest first. */
  async *list(pageSize = 50): AsyncGenerator<WorkflowRecord, void> {
    let offset: number | null | undefined = 0;
    while (offset !== null && offset !== undefined) {
      const query: { limit: number; offset: number } = { limit: pageSize, offset };
      const page: Schemas["WorkflowList"] = await this.api.call({
        method: "GET",
        path: "/workflows",
        query,
      });
      yield* page.workflows;
      offset = page.next_offset;
    }
  }
}

/** Batches. One is a workflow: list, cancel, retry it and wait for it there. */
export class Batches {
  constructor(private readonly api: Api) {}

  /** Make a batch of up to 1,000 jobs; more can be added until it is closed. */
  order(
    batch: Schemas["BatchOrder"],
    once: { idempotencyKey?: string } = {},
  ): Promise<WorkflowRecord> {
    return this.api.post("/batches", batch, once);
  }

  /** Add up to 1,000 jobs. Throws `Conflict` for a batch that is closed. */
  add(
    batch: WorkflowRef,
    jobs: Schemas["MoreJobs"]["jobs"],
    { closed = false, ...once }: { closed?: boolean; idempotencyKey?: string } = {},
  ): Promise<WorkflowRecord> {
    return this.api.post(`${pathOf(batch, "/batches")}/jobs`, { jobs, closed }, once);
  }

  /** Close a batch: it ends when its jobs have ended. */
  close(batch: WorkflowRef): Promise<WorkflowRecord> {
    const path = `${pathOf(batch, "/batches")}/close`;
    return this.api.call({ method: "POST", path, isSafe: true });
  }

  /** The counts of a batch, and the jobs of its end. */
  get(batch: WorkflowRef): Promise<WorkflowRecord> {
    return this.api.call({ method: "GET", path: pathOf(batch, "/batches") });
  }

  /** Delete the record of a batch that has ended; its jobs stay. */
  async delete(batch: WorkflowRef): Promise<void> {
    await this.api.call({ method: "DELETE", path: pathOf(batch, "/batches") });
  }
}

function pathOf(workflow: WorkflowRef, under = "/workflows"): string {
  const id = typeof workflow === "string" ? workflow : workflow.id;
  return `${under}/${encodeURIComponent(id)}`;
}
