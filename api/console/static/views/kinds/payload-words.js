// What the payload of a kind takes, in words: a line for each field of its JSON Schema.

import { h, number, table } from "../../dom.js";

export function payloadTable({ order, fields }) {
  const schema = resolve(order, order);
  const lines = fields.map((name) => ({ name, isRequired: (schema.required ?? []).includes(name), ...resolve(schema.properties[name], order), all: schema.properties[name] }));
  return table("Payload", [
    ["Field", (field) => h("span", { class: "mono" }, field.name)],
    ["Takes", (field) => inWords(field.all, order), "about"],
    ["Without it", (field) => (field.isRequired ? "must be given" : h("code", null, JSON.stringify(field.default ?? null)))],
    ["About", (field) => (field.description ?? "").replaceAll("``", ""), "about"],
  ], lines, "It takes no payload.");
}

/** A schema with the one it refers to in its place, and without null beside another type. */
export function resolve(schema, root) {
  if (schema.$ref) return resolve(root.$defs[schema.$ref.split("/").at(-1)], root);
  const options = (schema.anyOf ?? []).filter((part) => part.type !== "null");
  const decimal = options.find((part) => part.format === "decimal");
  const parts = decimal ? [decimal] : options;
  return parts.length === 1 ? { ...resolve(parts[0], root), ...schema, anyOf: undefined } : schema;
}

const SORTS = { string: "text", integer: "a whole number", number: "a number", boolean: "true or false", object: "an object", null: "null" };

/** A schema in a few words, such as `a whole number, 1 to 20`. */
export function inWords(schema, root) {
  const one = resolve(schema, root);
  if (one.enum) return `one of ${one.enum.map((value) => JSON.stringify(value)).join(", ")}`;
  if (one.anyOf) return one.anyOf.map((part) => inWords(part, root)).join(", or ");
  if (one.type === "array") return `a list of ${one.items ? inWords(one.items, root) : "anything"}${bounds(one.minItems, one.maxItems, "entries")}`;
  if (one.type === "string") return `${one.format ? `text (${one.format})` : SORTS.string}${bounds(one.minLength, one.maxLength, "characters")}`;
  return `${SORTS[one.type] ?? "anything"}${bounds(one.minimum, one.maximum, "")}`;
}

function bounds(least, most, unit) {
  const end = unit && ` ${unit}`;
  if (least !== undefined && most !== undefined) return `, ${number(least)} to ${number(most)}${end}`;
  if (most !== undefined) return `, at most ${number(most)}${end}`;
  return least === undefined ? "" : `, at least ${number(least)}${end}`;
}
