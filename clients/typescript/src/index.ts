/** A client of Continuo for browsers and Node. `continuo-client/node` saves files. */
export * from "./client.js";
export * from "./errors.js";
export { verifyCallback } from "./signatures.js";
export type { Callback } from "./signatures.js";
export type * from "./types.js";
export * from "./workflows.js";
export { VERSION } from "./version.js";
