/** Signatures of callbacks: Standard Webhooks, version 1, with a symmetric key. */
import { InvalidSignature } from "./errors.js";
import type { JobRecord } from "./types.js";

const PREFIX = "whsec_";

export interface Callback {
  type: "task.success" | "task.failed" | "task.cancelled";
  timestamp: string;
  data: JobRecord<any>;
}

/**
 * The callback in `body`, the bytes as they arrived, if one of the secrets (`whsec_...`) has signed it.
 * Throws `InvalidSignature`, also for a callback that is more than `maxAge` seconds old or ahead.
 */
export async function verifyCallback(
  secrets: string | readonly string[],
  headers: Headers | Record<string, string | string[] | undefined>,
  body: Uint8Array,
  maxAge = 300,
): Promise<Callback> {
  const sent = headers instanceof Headers ? headers : headersFrom(headers);
  const id = sent.get("webhook-id");
  const at = sent.get("webhook-timestamp") ?? "";
  const given = (sent.get("webhook-signature") ?? "").split(" ");
  if (!id || !/^\d+$/.test(at)) {
    throw new InvalidSignature("the headers of a signed callback are missing or wrong");
  }
  if (Math.abs(Date.now() / 1000 - Number(at)) > maxAge) {
    throw new InvalidSignature(`the callback was signed more than ${maxAge} s ago, or ahead`);
  }
  const content = joinBytes(new TextEncoder().encode(`${id}.${at}.`), body);
  for (const secret of typeof secrets === "string" ? [secrets] : secrets) {
    const key = await importSecret(secret);
    for (const text of given) {
      const signature = text.startsWith("v1,") ? bytesFromBase64(text.slice(3)) : null;
      if (signature && (await crypto.subtle.verify("HMAC", key, signature, content))) {
        return JSON.parse(new TextDecoder().decode(body));
      }
    }
  }
  throw new InvalidSignature("the signature is not that of the secret");
}

function headersFrom(given: Record<string, string | string[] | undefined>): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(given)) {
    if (name.toLowerCase().startsWith("webhook-")) headers.set(name, String(value));
  }
  return headers;
}

async function importSecret(secret: string): Promise<CryptoKey> {
  const key = secret.startsWith(PREFIX) ? bytesFromBase64(secret.slice(PREFIX.length)) : null;
  if (!key?.length) throw new TypeError(`a secret is ${PREFIX} and Base64`);
  return crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

function bytesFromBase64(text: string): Uint8Array<ArrayBuffer> | null {
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

function joinBytes(head: Uint8Array, tail: Uint8Array): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(head.length + tail.length);
  all.set(head);
  all.set(tail, head.length);
  return all;
}
