// Right and wrong payloads, as the compiler understands them: it fails when a wrong one passes.
import { Client } from "continuo-client";
import type { paths } from "./api.js";

const client = new Client<paths>("http://localhost");
const shipped = new Client("http://localhost");

export async function order(): Promise<number> {
  await shipped.order("/reports", { type: "summary", delay: 5, tags: ["a"] });
  await client.order("anything", { customer: "A" });
  const job = await client.order("/invoices", { customer: "A", lines: [{ text: "x", amount: 1 }] });
  return (await client.result(job)).total;
}

export async function read(): Promise<string[]> {
  const log = await shipped.log("an id", { attempt: 1, level: "warning" });
  return log.lines.map((line) => line.message);
}

export async function orderWorkflow(): Promise<number> {
  const nodes = [{ id: "a", kind: "report", payload: { type: "summary" }, priority: 3 }];
  const made = await shipped.workflows.order({ name: "night", nodes });
  return (await shipped.workflows.wait(made)).nodes.success;
}

export async function orderWrongly(): Promise<void> {
  // @ts-expect-error a wrong field
  await shipped.order("/reports", { tpe: "summary" });
  // @ts-expect-error a wrong type
  await shipped.order("/reports", { type: 5 });
  // @ts-expect-error a missing field
  await client.order("/invoices", { customer: "A" });
  // @ts-expect-error a path that takes no orders
  await client.order("/queues", {});
  // @ts-expect-error a node without a kind
  await shipped.workflows.order({ name: "night", nodes: [{ id: "a" }] });
  const job = await client.order("/parcels", { address: { street: "a", zip: "12345" } });
  // @ts-expect-error the result is a number
  (await client.result(job)).total;
}
