// Orders a report with a client that is made from /openapi.json, and follows it to its end.
import createClient from "openapi-fetch";
import type { paths } from "./api.js";

const [baseUrl, key] = process.argv.slice(2);
const client = createClient<paths>({ baseUrl, headers: { "X-API-Key": key } });

const ordered = await client.POST("/reports", {
  body: { type: "monthly", filters: { department: "engineering", month: "2026-05" } },
});
if (!ordered.data) throw new Error(JSON.stringify(ordered.error));

let record = ordered.data;
while (!["success", "failed", "cancelled"].includes(record.status)) {
  const shown = await client.GET("/reports/{id}", {
    params: { path: { id: record.id }, header: { Prefer: "wait=20" } },
  });
  if (!shown.data) throw new Error(JSON.stringify(shown.error));
  record = shown.data;
}

const refused = await client.POST("/tasks/{id}/cancel", { params: { path: { id: record.id } } });
console.log(JSON.stringify({ record, refused: refused.error?.title }));
