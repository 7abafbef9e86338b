// The search box, and what it offers below it: pages, kinds, causes and schedules whose name has the text.

import { pathOf as pathOfCause, readCauses } from "./causes.js";
import { h } from "./dom.js";
import { at, get } from "./http.js";
import { pathOf as pathOfPerson } from "./views/operations/recipients.js";
import { pathOf as pathOfSearch } from "./views/jobs/search.js";

const MOST = 10;
const FRESH = 30_000;
const IS_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const IS_ADDRESS = /^\S+@\S+$/;

/** `who()` is the page that asks, with `links`, its entries of the navigation as `{title, link}`. */
export function setUpPalette(form, who) {
  const input = form.querySelector("input");
  const list = form.querySelector("[role=listbox]");
  const state = { options: [], chosen: -1, known: null, at: 0 };
  const close = () => {
    list.hidden = true;
    state.chosen = -1;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  };
  const go = (href) => {
    input.blur();
    who().go(href);
  };
  const offer = () => {
    state.options = choose(input.value.trim(), who(), state.known);
    state.chosen = -1;
    input.removeAttribute("aria-activedescendant");
    list.replaceChildren(...state.options.map((one, place) => option(one, place, go)));
    list.hidden = !state.options.length;
    input.setAttribute("aria-expanded", String(!list.hidden));
  };
  const open = async () => {
    offer();
    await learn(state, who());
    if (document.activeElement === input) offer();
  };
  input.addEventListener("focus", open);
  input.addEventListener("input", offer);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Escape") close();
    if (!step || !state.options.length) return;
    event.preventDefault();
    mark(state, list, input, step);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const href = state.options[state.chosen]?.href ?? answer(input.value.trim(), who());
    if (href) go(href);
  });
  document.addEventListener("keydown", (event) => {
    const isSlash = event.key === "/" && !event.target.closest("input, select, textarea, [contenteditable]");
    const isChord = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey;
    if (!isSlash && !isChord) return;
    event.preventDefault();
    input.focus();
    input.select();
  });
}

/** Where the text itself leads. */
function answer(text, page) {
  if (!text) return null;
  if (IS_ID.test(text)) return `/console/jobs/${text.toLowerCase()}`;
  return IS_ADDRESS.test(text) && page.hasMail ? pathOfPerson(text) : pathOfSearch(text);
}

/** What there is to go to; a part that cannot be had is left out. */
async function learn(state, page) {
  if (Date.now() - state.at < FRESH) return;
  state.at = Date.now();
  const [kinds, causes, schedules] = await Promise.allSettled([
    get("/kinds", page.signal), readCauses(page), get(at("/schedules", { limit: 100 }), page.signal),
  ]);
  if (page.signal.aborted) return void (state.at = 0);
  state.known = {
    kinds: kinds.value?.kinds.map((one) => one.kind) ?? [],
    causes: [...(causes.value?.values() ?? [])],
    schedules: schedules.value?.schedules.map((one) => one.name) ?? [],
  };
}

function choose(text, page, known) {
  const all = [
    ...page.links.map(({ title, link }) => ({ what: "page", words: title, href: link })),
    ...(known?.kinds ?? []).map((kind) => ({ what: "kind", words: kind, href: `/console/kinds/${encodeURIComponent(kind)}` })),
    ...(known?.schedules ?? []).map((name) => ({ what: "schedule", words: name, href: `/console/schedules/${encodeURIComponent(name)}` })),
    ...(known?.causes ?? []).map((one) => ({ what: "cause", words: one.headline, href: pathOfCause(one.fingerprint) })),
  ];
  const lower = text.toLowerCase();
  const found = all.filter(({ words }) => words.toLowerCase().includes(lower)).slice(0, MOST);
  if (!text) return found;
  const searched = { what: "search", words: `Jobs with “${text}” in id, tags, payload or result`, href: pathOfSearch(text) };
  return IS_ID.test(text) ? [{ what: "job", words: text, href: answer(text, page) }] : [...found, searched];
}

function option({ what, words, href }, place, go) {
  // On mousedown, because the blur of a click would close the list before it.
  return h("li", { role: "option", id: `offer-${place}`, "aria-selected": "false", onmousedown: (event) => (event.preventDefault(), go(href)) },
    h("span", { class: "one-line" }, words), h("span", { class: "at" }, what));
}

function mark(state, list, input, step) {
  const count = state.options.length;
  list.children[state.chosen]?.setAttribute("aria-selected", "false");
  state.chosen = state.chosen < 0 && step < 0 ? count - 1 : (state.chosen + step + count) % count;
  const one = list.children[state.chosen];
  one.setAttribute("aria-selected", "true");
  one.scrollIntoView({ block: "nearest" });
  input.setAttribute("aria-activedescendant", one.id);
}
