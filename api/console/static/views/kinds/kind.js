// Order a job of any typed kind, or run one again with another payload: a form made of the schema of its orders.

import { fill, h, jobLink } from "../../dom.js";
import { get, newKey, post } from "../../http.js";
import { resolve } from "./payload-words.js";

export function kind(page) {
  const [kind, from] = ["kind", "from"].map((name) => page.query.get(name));
  const isRetry = page.query.get("retry") === "true";
  return [h("h1", null, isRetry ? ["Retry ", jobLink(from)] : "New job"), orderForm(page, { kind, from, isRetry, isAlone: isRetry })];
}

/** The form. `from` is a job whose payload it begins with; `isRetry` runs that one again; `isAlone` offers no other kind. */
export function orderForm(page, asked) {
  const form = h("form", { class: "card order", "aria-busy": "true", "aria-label": "New job" });
  const curl = h("pre", { tabindex: 0, role: "region", "aria-label": "The same order with curl" });
  const same = h("section", { class: "card", "aria-label": "The same over HTTP" }, h("h2", null, "The same over HTTP"), curl);
  load(page, asked, form, curl, same);
  return h("div", { class: "beside" }, form, same);
}

/** Where the form is sent to, and as what. */
function requestOf({ from, isRetry }, kind, payload) {
  return isRetry ? { path: `/tasks/${encodeURIComponent(from)}/retry`, body: { payload } } : { path: kind.path, body: payload };
}

async function load(page, asked, form, curl, same) {
  try {
    const older = await readOlder(page, asked.from);
    const kinds = (await get("/kinds", page.signal)).kinds.filter((one) => page.may(`submit=${one.kind}`) && (!asked.isAlone || one.kind === asked.kind));
    if (kinds.length) build(page, asked, form, curl, kinds, older);
    else explain(form, same);
    form.removeAttribute("aria-busy");
  } catch (problem) {
    page.fail(problem);
  }
}

/** What the job said that the form starts from: its arguments, by name. */
async function readOlder(page, id) {
  if (!id) return {};
  const { kwargs } = await get(`/tasks/${encodeURIComponent(id)}/payload`, page.signal);
  return kwargs ?? {};
}

/** The values of these fields in the arguments of a job: there, or one level deeper. */
function pick(names, kwargs) {
  const deeper = Object.entries(kwargs).filter(([name, value]) => !names.includes(name) && value instanceof Object);
  const all = Object.assign({}, ...deeper.map(([, value]) => value), kwargs);
  return Object.fromEntries(names.filter((name) => name in all).map((name) => [name, all[name]]));
}

function explain(form, same) {
  same.hidden = true;
  fill(form, h("p", null, "No kind of your own is offered over HTTP yet. Give its task a path and types:"),
    h("pre", { tabindex: 0 }, '@app.task(name="invoice", http="/invoices")\ndef make_invoice(customer: str, amount: float) -> str: ...'));
}

function build(page, asked, form, curl, kinds, older) {
  const about = h("p", { class: "help", id: "kind-help" });
  const fields = h("fieldset", null);
  const choice = h("select", { id: "kind", name: "kind", "aria-describedby": "kind-help" },
    kinds.map((one) => h("option", { value: one.kind, selected: one.kind === asked.kind }, one.kind)));
  const chosen = () => kinds.find((one) => one.kind === choice.value);
  const choose = () => {
    const { summary, order, fields: names } = chosen();
    const schema = resolve(order, order);
    about.textContent = summary;
    const given = choice.value === asked.kind ? pick(names, older) : {};
    fields.hidden = !names.length;
    fields.replaceChildren(h("legend", null, "Payload"),
      ...names.map((name) => field(name, resolve(schema.properties[name], order), (schema.required ?? []).includes(name), given[name])));
  };
  choice.addEventListener("change", choose);
  const wrong = h("p", { class: "wrong", role: "alert" });
  form.append(
    h("div", { class: "field" }, h("label", { for: "kind" }, "Kind"), choice, about),
    fields, wrong,
    h("div", { class: "buttons" }, h("button", { class: "first" }, asked.isRetry ? "Retry" : "Order")));
  // One key for what the form says: pressing the button twice orders one job.
  let wish;
  const changed = () => {
    wish = newKey();
    const { path, body } = requestOf(asked, chosen(), said(fields, false));
    curl.textContent = `curl ${location.origin}${path} \\\n  -H 'Content-Type: application/json' \\\n  -d '${JSON.stringify(body)}'`;
  };
  form.addEventListener("input", changed);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(page, form, (payload) => requestOf(asked, chosen(), payload), fields, wish, wrong);
  });
  choose();
  changed();
}

function field(name, schema, required, given) {
  const id = `field-${name}`;
  const help = schema.description ?? "";
  const base = { id, name, required, "aria-describedby": help ? `${id}-help` : null };
  return h("div", { class: "field" },
    h("label", { for: id }, schema.title && schema.title !== name ? schema.title : name), control(base, schema, given ?? schema.default ?? ""),
    help && h("p", { class: "help", id: `${id}-help` }, help));
}

function control(base, schema, value) {
  if (schema.enum) {
    const none = base.required ? [] : [h("option", { value: "" }, "default")];
    return h("select", { ...base, "data-as": "json" }, none, schema.enum.map((one) => h("option", { value: JSON.stringify(one), selected: one === value }, String(one))));
  }
  if (schema.type === "boolean") {
    return h("select", { ...base, "data-as": "json" }, ["", "true", "false"].map((one) => h("option", { value: one, selected: one === String(value) }, one || "default")));
  }
  if (schema.type === "integer" || schema.type === "number") {
    return h("input", { ...base, type: "number", min: schema.minimum, max: schema.maximum, step: schema.type === "integer" ? 1 : "any", value, "data-as": "json" });
  }
  if (schema.type === "string") {
    const type = { date: "date" }[schema.format] ?? "text";
    return h("input", { ...base, type, pattern: schema.pattern, maxlength: schema.maxLength, value, autocomplete: "off", "data-as": "text" });
  }
  return h("textarea", { ...base, rows: 4, placeholder: schema.type === "array" ? "[]" : "{}", "data-as": "json", spellcheck: "false" }, value === "" ? "" : JSON.stringify(value, null, 2));
}

/** What the form says. A field that is not JSON yet is left out, or throws its name when `strict`. */
function said(fields, strict) {
  const body = {};
  for (const { name, value, dataset } of fields.querySelectorAll("input, select, textarea")) {
    if (value === "") continue;
    try {
      body[name] = dataset.as === "text" ? value : JSON.parse(value);
    } catch {
      if (strict) throw new TypeError(name);
    }
  }
  return body;
}

function firstField(wrong) {
  return wrong?.field?.replace(/^payload\./, "").split(".")[0] ?? wrong?.pointer?.split("/")[1];
}

async function send(page, form, request, fields, wish, wrong) {
  const button = form.querySelector("button");
  button.disabled = true;
  try {
    const { path, body } = request(said(fields, true));
    const record = await post(path, body, { "Idempotency-Key": wish });
    page.go(`/console/jobs/${record.id}`);
  } catch (problem) {
    const isJson = problem instanceof TypeError;
    fill(wrong, isJson ? `${problem.message}: this is not JSON` : problem.message);
    const name = isJson ? problem.message : firstField(problem.fields?.[0]);
    form.querySelector(`[name="${CSS.escape(name ?? "kind")}"]`)?.focus();
  } finally {
    button.disabled = false;
  }
}
