// Orders a job, and jobs in bulk, and downloads a file, from a server that loses answers.
import { Client, NotTheApi, Unreachable } from "continuo-client";
import { download } from "continuo-client/node";

const [url, program] = process.argv.slice(2);
const client = new Client(url, { retrySeconds: 5 });
if (program === "order") console.log(JSON.stringify(await client.order("report", { type: "a" })));
if (program === "download") await download(url, "file.bin", 5);
if (program === "bulk") console.log(JSON.stringify(await client.orderMany([{ kind: "report" }])));
if (program === "call") {
  const call = client.call({ method: "POST", path: "/tasks/bulk", body: { tasks: [] } });
  const error = await call.catch((each) => each);
  console.log(error instanceof Unreachable, error.mayHaveActed);
}
if (program === "page") {
  const error = await client.queues().catch((each) => each);
  console.log(error instanceof NotTheApi);
}
