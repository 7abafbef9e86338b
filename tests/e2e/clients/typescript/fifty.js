// Orders fifty jobs, one after the other, and prints a line for each.
import { Client } from "continuo-client";

const [url, key, tag, seconds] = process.argv.slice(2);
const client = new Client(url, { key, retrySeconds: Number(seconds) });
for (let amount = 0; amount < 50; amount += 1) {
  const body = { customer: "ACME", lines: [{ text: "work", amount }], tags: [tag], delay: 3600 };
  console.log((await client.order("/invoices", body)).id);
}
