// A value of JSON as a tree: parts fold, and paths and values can be copied.

import { h, number } from "../../dom.js";

const MAX_SHOWN = 200;
const MAX_OPEN = 20;

/** `path` names the value where it is searched for, such as `payload`. */
export function tree(page, value, path) {
  if (!isBranch(value)) return h("div", { class: "tree" }, line(page, path, value, ""));
  return h("div", { class: "tree" }, branch(page, path, value));
}

function isBranch(value) {
  return value instanceof Object && Object.keys(value).length > 0;
}

function branch(page, path, value) {
  const entries = Object.entries(value);
  const rest = entries.length - MAX_SHOWN;
  return h("ul", null,
    entries.slice(0, MAX_SHOWN).map(([name, one]) => h("li", null, entry(page, `${path}.${name}`, name, one))),
    rest > 0 && h("li", { class: "at" }, `and ${number(rest)} more`));
}

function entry(page, path, name, value) {
  if (!isBranch(value)) return line(page, path, value, name);
  const count = Object.keys(value).length;
  const words = Array.isArray(value) ? `[${number(count)}]` : `{${number(count)}}`;
  return h("details", { "data-mark": path, open: count <= MAX_OPEN },
    h("summary", { "data-mark": path }, h("span", { class: "key" }, name), " ", h("span", { class: "at" }, words), actions(page, path, value)),
    branch(page, path, value));
}

function line(page, path, value, name) {
  return h("div", { class: "leaf" }, name !== "" && [h("span", { class: "key" }, name), " "],
    h("span", { class: value === null ? "at" : typeof value }, JSON.stringify(value)), actions(page, path, value));
}

function actions(page, path, value) {
  const text = value instanceof Object ? JSON.stringify(value, null, 2) : String(value);
  const button = (words, what, copied) => h("button", { type: "button", class: "quiet", "data-mark": `${words}-${path}`, "aria-label": what, onclick: (event) => {
    event.preventDefault();
    copy(copied);
    page.say(`Copied: ${copied.slice(0, 80)}`);
  } }, words);
  return h("span", { class: "actions" }, button("path", `Copy the path ${path}`, path), button("copy", `Copy the value of ${path}`, text));
}

/** Browsers offer the clipboard only to pages that came over HTTPS or from this machine; the older way works on all. */
function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
  return copyBySelection(text);
}

function copyBySelection(text) {
  const field = h("textarea", { class: "unseen" });
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
