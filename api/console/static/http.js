// The API, as this page uses it: with the key of whoever sits in front of it.

const KEY = "continuo-key";

/** What the API answered when it did not do what it was asked. */
export class Problem extends Error {
  constructor(status, about) {
    super(about.detail ?? about.title ?? `The API answered ${status}`);
    this.status = status;
    this.fields = about.errors ?? [];
  }
}

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (value) => sessionStorage.setItem(KEY, value),
  drop: () => sessionStorage.removeItem(KEY),
};

export function withKey(headers = {}) {
  return key.get() ? { ...headers, "X-API-Key": key.get() } : headers;
}

export const get = (path, signal) => ask("GET", path, { signal });
export const patch = (path, body) => ask("PATCH", path, { body });
export const put = (path, body) => ask("PUT", path, { body });
export const drop = (path) => ask("DELETE", path);
export const post = (path, body, headers) => ask("POST", path, { body, headers });

const SECONDS = 40;

async function ask(method, path, { body, headers, signal } = {}) {
  const clock = AbortSignal.timeout(SECONDS * 1000);
  const answer = await fetch(path, {
    method,
    headers: withKey(body === undefined ? headers : { "Content-Type": "application/json", ...headers }),
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: signal ? AbortSignal.any([signal, clock]) : clock,
  }).catch((error) => {
    throw error.name === "AbortError" ? error : new Problem(0, { detail: "The API does not answer" });
  });
  const content = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Problem(answer.status, content);
  return content;
}

/** A path with the parameters that say something. */
export function at(path, parameters) {
  const said = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  return said.length ? `${path}?${new URLSearchParams(said)}` : path;
}

/** A key that nobody else has. Not by `randomUUID`: a page that came over plain HTTP has none. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
