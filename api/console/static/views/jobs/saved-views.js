// Views of the list of jobs that this browser remembers by name; each is an address.

import { fill, h } from "../../dom.js";

const CHOICE = "continuo-views";
const PATH = "/console/jobs";

function readViews() {
  try {
    return Object.entries(JSON.parse(localStorage.getItem(CHOICE)) ?? {});
  } catch {
    return [];
  }
}

/** Saved views as links, and a form that saves what is shown under a name. */
export function savedViews(page) {
  const place = h("div", { class: "views" });
  const draw = () => fill(place, links(page, (name) => change((views) => views.filter(([one]) => one !== name))), form(page, change));
  const change = (act) => {
    localStorage.setItem(CHOICE, JSON.stringify(Object.fromEntries(act(readViews()))));
    draw();
  };
  draw();
  return place;
}

/** What is asked, without the page of the list. */
function addressOf(query) {
  const said = [...query].filter(([name, value]) => value && name !== "cursor");
  return said.length ? `${PATH}?${new URLSearchParams(said)}` : PATH;
}

function links(page, forget) {
  const views = readViews();
  const here = addressOf(page.query);
  return views.length > 0 && h("nav", { class: "chips", "aria-label": "Saved views" }, views.map(([name, address]) =>
    h("span", { class: "pair" },
      h("a", { class: "chip", href: address, "aria-current": address === here ? "true" : null }, name),
      h("button", { type: "button", class: "quiet", "data-mark": `forget-${name}`, "aria-label": `Forget the view ${name}`, onclick: () => forget(name) }, "×"))));
}

function form(page, change) {
  const save = (event) => {
    event.preventDefault();
    const name = new FormData(event.target).get("view").trim();
    if (!name) return;
    change((views) => [...views.filter(([one]) => one !== name), [name, addressOf(page.query)]]);
    page.say(`The view ${name} is saved in this browser.`);
  };
  return h("details", { class: "save", "data-mark": "save-view" }, h("summary", { "data-mark": "save-view" }, "Save this view"),
    h("form", { class: "buttons", onsubmit: save },
      h("label", { class: "unseen", for: "view-name" }, "Name of the view"),
      h("input", { id: "view-name", name: "view", required: true, maxlength: 60, placeholder: "Name", autocomplete: "off" }),
      h("button", { class: "quiet" }, "Save")));
}
