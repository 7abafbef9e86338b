// Tries each method of the client against an API. Prints what it saw as one JSON document.
import { readFile, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { Client, InvalidOrder, verifyCallback } from "continuo-client";
import { download } from "continuo-client/node";

const [url, key, tag, callback] = process.argv.slice(2);
const client = new Client(url, { key });
const said = {};
const invoice = { customer: "ACME", lines: [{ text: "work", amount: 2 }] };

async function nameOf(promise) {
  return promise.then(
    () => "no error",
    (error) => error.constructor.name,
  );
}

async function collect(items) {
  const all = [];
  for await (const item of items) all.push(item);
  return all;
}

const job = await client.order("invoice", { ...invoice, tags: [tag] });
said.total = (await client.result(job, { seconds: 60 })).total;
said.arguments = (await client.arguments(job)).kwargs.order.customer;

const filters = { department: "engineering", month: "2026-05" };
const report = await client.order("/reports", { type: "monthly", filters });
const link = (await client.result(report, { seconds: 60 })).download_url;
await download(link, "whole.pdf");
const whole = await readFile("whole.pdf");
const etag = (await fetch(link, { method: "HEAD" })).headers.get("ETag");
await writeFile("rest.pdf.part", whole.subarray(0, 1000));
await writeFile("rest.pdf.part.etag", etag);
await download(link, "rest.pdf");
said.isPdf = whole.subarray(0, 4).toString() === "%PDF";
said.isSame = whole.equals(await readFile("rest.pdf"));

said.invalid = await client.order("invoice", { customer: "" }).catch((error) => [
  error instanceof InvalidOrder,
  error.errors.map((each) => each.field).sort(),
]);
said.unknown = await nameOf(client.order("no-such-kind"));

const later = await client.order("/invoices", { ...invoice, delay: 3600, tags: [tag] });
const events = client.follow(later, { seconds: 60 });
const first = (await events.next()).value;
await client.cancel(later);
said.again = (await client.cancel(later)).status;
said.events = [first, ...(await collect(events))].map((event) => [event.name, event.data.status]);
said.cancelled = await nameOf(client.result(later));
await client.retry(later, { payload: { ...invoice, customer: "B" }, maxRetries: 5 });
said.rerun = (await client.result(later)).customer;
said.conflict = await nameOf(client.retry(later));

const outcomes = await client.orderMany([
  ...Array.from({ length: 5 }, () => ({ kind: "invoice", ...invoice, tags: [tag], delay: 3600 })),
  { kind: "invoice" },
]);
said.outcomes = outcomes.map((each) => each.status);
said.listed = (await collect(client.jobs({ tag }, 3))).length;
await client.wait(await client.cancelAll({ tag }), { seconds: 60 });
said.statuses = (await collect(client.jobs({ tag }))).map((each) => each.status).sort();

const workflow = await client.workflows.order({
  name: tag,
  nodes: [
    { id: "a", kind: "invoice", payload: invoice },
    { id: "b", kind: "invoice", payload: invoice, after: ["a"] },
  ],
});
const ended = await client.workflows.wait(workflow, { seconds: 60 });
said.workflow = [ended.status, ended.page.map((each) => each.id)];
const delayed = { kind: "invoice", ...invoice, delay: 3600 };
const batch = await client.batches.order({ name: tag, jobs: [delayed] });
await client.batches.add(batch, [delayed], { closed: true });
said.unfinished = await nameOf(client.workflows.wait(batch, { seconds: 0.1 }));
await client.workflows.cancel(batch);
await client.workflows.wait(batch, { seconds: 60 });
said.twice = (await client.workflows.cancel(batch)).status;
said.batch = (await client.batches.get(batch)).nodes.cancelled;
said.named = (await collect(client.workflows.list(1))).filter((each) => each.name === tag).length;
await client.batches.delete(batch);
said.deleted = await nameOf(client.batches.get(batch));

const archived = async (values) => collect(client.history(values, { tag, kind: "invoice" }, 2));
for (let tries = 0; tries < 600 && (await archived()).length < 7; tries++) await sleep(100);
said.history = (await archived({ "payload.customer": "ACME" })).map((each) => each.status).sort();
said.nobody = (await archived({ "payload.customer": "nobody" })).length;

said.queue = (await client.queues()).some((each) => each.name === "celery");
said.slots = (await client.workers())[0].slots;
said.kinds = (await client.kinds()).map((each) => each.kind);

const { secret, headers, body } = JSON.parse(callback);
const bytes = new TextEncoder().encode(body);
said.callback = (await verifyCallback(secret, headers, bytes)).data.id;
said.forged = await nameOf(verifyCallback(secret, headers, bytes.subarray(1)));

console.log(JSON.stringify(said));
