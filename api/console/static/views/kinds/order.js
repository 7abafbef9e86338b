// Order a report: a form made of the schema of its type.

import { fill, h } from "../../dom.js";
import { get, newKey, post } from "../../http.js";

const FORMATS = ["pdf", "xlsx", "csv", "json", "html", "parquet"];

export function order(page) {
  const form = h("form", { class: "card order", "aria-busy": "true", "aria-label": "Order a report" });
  const curl = h("pre", { tabindex: 0, role: "region", "aria-label": "The same order with curl" });
  load(page, form, curl);
  const same = h("section", { class: "card", "aria-label": "The same over HTTP" }, h("h2", null, "The same over HTTP"), curl,
    h("p", { class: "help" }, "The response is the record of the job, with status pending. Use its id to follow the job."));
  return [h("h1", null, "Order a report"), h("div", { class: "beside" }, form, same)];
}

async function load(page, form, curl) {
  try {
    const { types } = await get("/reports/types", page.signal);
    build(page, form, curl, types);
    form.removeAttribute("aria-busy");
  } catch (problem) {
    page.fail(problem);
  }
}

function build(page, form, curl, types) {
  const about = h("p", { class: "help", id: "type-help" });
  const filters = h("fieldset", null);
  const type = h("select", { id: "type", name: "type", "aria-describedby": "type-help" },
    types.map((one) => h("option", { value: one.type, selected: one.type === page.query.get("type") }, one.title)));
  const chosen = () => types.find((one) => one.type === type.value);
  const choose = () => {
    about.textContent = chosen().description;
    const fields = Object.entries(chosen().filters.properties ?? {}).map(([name, schema]) => field(name, schema, chosen().filters.required ?? []));
    filters.hidden = !fields.length;
    filters.replaceChildren(h("legend", null, "Filters"), ...fields);
  };
  type.addEventListener("change", choose);
  const format = h("select", { id: "format", name: "format" }, FORMATS.filter((one) => types[0].formats.includes(one)).map((one) => h("option", null, one)));
  const wrong = h("p", { class: "wrong", role: "alert" });
  form.append(
    h("div", { class: "field" }, h("label", { for: "type" }, "Report"), type, about),
    filters,
    h("div", { class: "field" }, h("label", { for: "format" }, "Format"), format),
    wrong,
    h("div", { class: "buttons" }, h("button", { class: "first" }, "Order")));
  const body = () => ({ type: type.value, filters: said(filters, chosen().filters), format: format.value });
  // One key for what the form says: pressing the button twice orders one report.
  let wish;
  const changed = () => {
    wish = newKey();
    curl.textContent = `curl ${location.origin}/reports \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body())}'`;
  };
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(page, form, body(), wish, wrong);
  });
  choose();
  changed();
}

function field(name, schema, required) {
  const id = `filter-${name}`;
  const help = schema.description ?? (schema.examples?.length ? `Such as ${schema.examples[0]}` : "");
  const base = { id, name, required: required.includes(name), "aria-describedby": help ? `${id}-help` : null };
  return h("div", { class: "field" },
    h("label", { for: id }, schema.title ?? name), control(base, schema),
    help && h("p", { class: "help", id: `${id}-help` }, help));
}

function control(base, schema) {
  if (schema.enum) {
    return h("select", base, h("option", { value: "" }, "any"), schema.enum.map((one) => h("option", { value: one }, one)));
  }
  if (isNumber(schema)) return h("input", { ...base, type: "number", min: schema.minimum, max: schema.maximum, step: "any" });
  if (schema.format === "date") return h("input", { ...base, type: "date" });
  return h("input", { ...base, pattern: schema.pattern, autocomplete: "off" });
}

function isNumber({ type }) {
  return type === "integer" || type === "number";
}

function said(filters, { properties }) {
  const controls = [...filters.querySelectorAll("input, select")].filter(({ value }) => value !== "");
  return Object.fromEntries(controls.map(({ name, value }) => [name, isNumber(properties[name]) ? Number(value) : value]));
}

async function send(page, form, body, wish, wrong) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const record = await post("/reports", body, { "Idempotency-Key": wish });
    page.go(`/console/jobs/${record.id}`);
  } catch (problem) {
    fill(wrong, problem.message);
    const name = problem.fields[0]?.field.split(".").at(-1);
    form.querySelector(`[name="${CSS.escape(name ?? "type")}"]`)?.focus();
  } finally {
    button.disabled = false;
  }
}
