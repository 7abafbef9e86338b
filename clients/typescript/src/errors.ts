/** What the client throws; `ContinuoError` is the base class of all. */
import type { JobRecord, Schemas } from "./types.js";

export class ContinuoError extends Error {
  constructor(text: string) {
    super(text);
    this.name = new.target.name;
  }
}

/** No answer came in time. `mayHaveActed`: the API may have done what the request asks for. */
export class Unreachable extends ContinuoError {
  constructor(
    text: string,
    readonly mayHaveActed = false,
  ) {
    super(text);
  }
}

/** Something answers at the URL that is not the API. */
export class NotTheApi extends Unreachable {}

/** The API offers no such kind; the text names those that it offers. */
export class UnknownKind extends ContinuoError {}

/** A callback was not signed with the secret, or is too old. */
export class InvalidSignature extends ContinuoError {}

/** A job or a workflow did not end with success; `record` says how it stands. */
export class JobError<R = JobRecord<any>> extends ContinuoError {
  constructor(
    text: string,
    readonly record: R,
  ) {
    super(text);
  }
}

export class JobFailed extends JobError {}
export class JobCancelled extends JobError {}

/** The job or the workflow has not ended within the time. */
export class NotFinished<R = JobRecord<any>> extends JobError<R> {}

export type Problem = Schemas["ProblemDocument"];

/** A wrong value: a JSON pointer or the name of a field, and what is allowed. */
export interface FieldError {
  field: string;
  detail: string;
}

/** The API answered with a problem document (RFC 9457); `errors` names each wrong field. */
export class Refused extends ContinuoError {
  readonly status: number;
  readonly errors: FieldError[];

  constructor(readonly problem: Problem) {
    const errors = (problem.errors ?? []).map((each) => ({
      field: each.pointer ?? each.field ?? "",
      detail: each.detail,
    }));
    const fields = errors.map((each) => `${each.field}: ${each.detail}`).join("; ");
    super(`${problem.status} ${problem.title}: ${fields || problem.detail}`);
    this.status = problem.status;
    this.errors = errors;
  }
}

export class BadRequest extends Refused {}
export class Unauthorized extends Refused {}
export class Forbidden extends Refused {}
export class NotFound extends Refused {}
export class Conflict extends Refused {}
export class Gone extends Refused {}
export class TooLarge extends Refused {}
export class InvalidOrder extends Refused {}
export class TooManyRequests extends Refused {}
export class ServerError extends Refused {}
export class Unavailable extends ServerError {}

const BY_STATUS: Record<number, new (problem: Problem) => Refused> = {
  400: BadRequest,
  401: Unauthorized,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  410: Gone,
  413: TooLarge,
  422: InvalidOrder,
  429: TooManyRequests,
  503: Unavailable,
};

/** The error of the class that belongs to the status of a problem document. */
export function refusalFrom(problem: Problem): Refused {
  const known = BY_STATUS[problem.status] ?? (problem.status >= 500 ? ServerError : Refused);
  return new known(problem);
}
