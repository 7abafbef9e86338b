// Elements, and how things are written in them. Text is always text: nothing here reads HTML.

import { exact } from "./times.js";

const SVG = "http://www.w3.org/2000/svg";

/** An element. Attributes: `onclick` and the like are listeners, true sets one, null and false leave it out. */
export function h(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** The same in a drawing. */
export function s(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Put these in the place of what an element holds; the focus stays where it was, what is open stays open. */
export function fill(element, ...children) {
  const fresh = document.createElement(element.tagName);
  fresh.append(...children.flat(Infinity).filter((child) => child || child === 0));
  if (fresh.innerHTML === element.innerHTML) return;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  const folds = new Map([...element.querySelectorAll("details[data-mark]")].map((one) => [one.dataset.mark, one.open]));
  element.replaceChildren(...fresh.childNodes);
  for (const one of element.querySelectorAll("details")) one.open = folds.get(one.dataset.mark) ?? one.open;
  if (focused) refocus(element, focused);
}

function refocus(element, focused) {
  const mark = focused.dataset.mark ?? focused.getAttribute("href");
  const same = [...element.querySelectorAll("a, button, input, select, summary")].find(
    (one) => (one.dataset.mark ?? one.getAttribute("href")) === mark,
  );
  if (mark) same?.focus({ preventScroll: true });
}

/** A table with a name for those who do not see it. Columns are `[title, cell, class]`. */
export function table(name, columns, rows, empty) {
  if (!rows.length) return h("p", { class: "empty" }, empty);
  return h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": name },
    h("table", null,
      h("caption", { class: "unseen" }, name),
      h("thead", null, h("tr", null, columns.map(([title, , look]) => h("th", { scope: "col", class: look }, title instanceof Function ? title() : title)))),
      h("tbody", null, rows.map((row) =>
        h("tr", null, columns.map(([, cell, look]) => h("td", { class: look }, cell(row)))))),
    ));
}

export function badge(status) {
  return h("span", { class: `badge ${status}` }, status);
}

export function jobLink(id, text) {
  return h("a", { href: `/console/jobs/${encodeURIComponent(id)}`, class: text ? null : "mono" }, text ?? id);
}

export function kindLink(kind) {
  return h("a", { href: `/console/kinds/${encodeURIComponent(kind)}`, class: "plain" }, kind);
}

export function bar(progress) {
  if (!progress) return null;
  const { done, total, note } = progress;
  const words = total ? `${number(done)} of ${number(total)}` : number(done);
  return h("div", { class: "progress" },
    total ? h("progress", { max: total, value: done, "aria-label": "Progress" }) : null,
    h("span", null, note ? `${words}, ${note}` : words));
}

/** A moment (seconds since 1970): how long ago in words, exactly in its title. */
export function moment(at) {
  if (at === null || at === undefined) return "–";
  const date = new Date(at * 1000);
  return h("time", { datetime: date.toISOString(), title: exact(at) }, ago(at));
}

/** Write again how long ago the moments on the page are. */
export function tick() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const words = ago(Date.parse(time.dateTime) / 1000);
    if (time.textContent !== words) time.textContent = words;
  }
}

export function ago(at) {
  const seconds = Date.now() / 1000 - at;
  if (seconds < 0) return `in ${span(-seconds)}`;
  return seconds < 1 ? "now" : `${span(seconds)} ago`;
}

/** Seconds in words, about. */
export function span(seconds) {
  if (seconds < 0.0995) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

export function size(bytes) {
  if (bytes === null || bytes === undefined) return "–";
  const units = ["B", "KB", "MB", "GB", "TB"];
  let step = 0;
  for (; bytes >= 1000 && step < units.length - 1; step += 1) bytes /= 1000;
  return `${step && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[step]}`;
}

export function number(value) {
  return value.toLocaleString("en");
}
