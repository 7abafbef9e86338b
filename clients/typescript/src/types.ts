/** The types of the API: generated ones, and what they say about an order by its path. */
import type { components, paths } from "./api.js";

export type { components, paths };
export type Schemas = components["schemas"];
export type Status = Schemas["TaskStatus"];

/** One job, whose result is an `R`; null until it has succeeded. */
export type JobRecord<R = unknown> = Omit<Schemas["ShownTask"], "result"> &
  Required<Pick<Schemas["ShownTask"], "interruptions" | "queue" | "tags" | "progress" | "due_at">> & {
    result: R | null;
  };

type Json<T> = { content: { "application/json": T } };
type Post<P> = P extends { post: infer O } ? O : { requestBody: never };

/** What a path takes as an order; never for a path that takes none. */
export type OrderOf<P> =
  Post<P> extends { requestBody: Json<infer B>; responses: { 202: Json<{ attempts: number }> } } ? B : never;

/** The result of a job that a path orders. */
export type ResultOf<P> =
  Post<P> extends { responses: { 202: Json<{ result?: infer R }> } }
    ? unknown extends R
      ? any
      : NonNullable<R>
    : never;

/** The paths where jobs are ordered. */
export type OrderPath<Paths> = {
  [P in keyof Paths & string]: [OrderOf<Paths[P]>] extends [never] ? never : P;
}[keyof Paths & string];

/** Where a job is: its id or its record. */
export type Job<R = unknown> = string | JobRecord<R>;

export interface Outcome {
  status: number;
  task?: JobRecord<any> | null;
  problem?: Schemas["ProblemDocument"] | null;
}

/** Which jobs: those for which everything that is given is true. */
export type JobFilter = Partial<Schemas["JobFilter"]>;

/** Which ended jobs: those for which everything that is given is true. */
export type HistoryFilter = Omit<
  NonNullable<paths["/history"]["get"]["parameters"]["query"]>,
  "limit" | "cursor" | "format"
>;

/**
 * An event. `snapshot` comes first: the record, or the newest records. `change` is a change of a job.
 * `reset` is a new snapshot, when the API has not kept all events since the last one. `end` is the
 * final record. A later call continues after `id`.
 */
export interface JobEvent {
  name: "snapshot" | "change" | "reset" | "end";
  id: string;
  data: any;
}
