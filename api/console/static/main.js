// Which page is shown, who looks at it, and what they are told.

import { fill, h, tick } from "./dom.js";
import { get, key, Problem } from "./http.js";
import { watchOutages } from "./outage.js";
import { setUpPalette } from "./palette.js";
import { isUtc, switchZone, zoneName } from "./times.js";

/** A page whose script is fetched when somebody first opens it. Browsers remember what could not be fetched, by its address. */
const from = (file, name = file.split("/").at(-1)) => async (page) => {
  const path = `./views/${file}.js`;
  const script = await import(path).catch(() => import(`${path}?again=${Date.now()}`));
  return script[name](page);
};

const PAGES = [
  { path: /^\/$/, title: "Overview", view: from("overview/overview"), link: "/" },
  { path: /^\/console\/jobs$/, title: "Jobs", view: from("jobs/jobs"), link: "/console/jobs" },
  { path: /^\/console\/jobs\/([^/]+)$/, title: "Job", view: from("job/job") },
  { path: /^\/console\/workflows$/, title: "Workflows", view: from("workflows/workflows"), link: "/console/workflows" },
  { path: /^\/console\/workflows\/([^/]+)$/, title: "Workflow", view: from("workflows/workflow") },
  { path: /^\/console\/errors(?:\/([^/]+))?$/, title: "Errors", view: from("jobs/errors"), link: "/console/errors", all: true },
  { path: /^\/console\/kinds(?:\/([^/]+))?$/, title: "Kinds", view: from("kinds/kinds"), link: "/console/kinds", more: true },
  { path: /^\/console\/history$/, title: "History", view: from("jobs/history"), link: "/console/history", more: true, extra: "reports" },
  { path: /^\/console\/search$/, title: "Search", view: from("jobs/search") },
  { path: /^\/console\/queues$/, title: "Queues", view: from("overview/queues"), link: "/console/queues", all: true },
  { path: /^\/console\/schedules(?:\/([^/]+))?$/, title: "Schedules", view: from("operations/schedules"), link: "/console/schedules" },
  { path: /^\/console\/limits$/, title: "Limits", view: from("operations/limits"), link: "/console/limits", more: true, all: true },
  { path: /^\/console\/workers$/, title: "Workers", view: from("operations/workers"), link: "/console/workers", all: true },
  { path: /^\/console\/recipients(?:\/([^/]+))?$/, title: "Recipients", view: from("operations/recipients"), link: "/console/recipients", more: true, extra: "mail" },
  { path: /^\/console\/new$/, title: "New job", view: from("kinds/kind"), link: "/console/new", scope: "submit=*" },
  { path: /^\/console\/order$/, title: "Order a report", label: "Report", view: from("kinds/order"), link: "/console/order", more: true, scope: "submit=report", extra: "reports" },
];

const main = document.getElementById("main");
const nav = document.getElementById("nav");
const said = document.getElementById("said");

let me = null;
let leaving = new AbortController();
let shown = null;

/** Whether the key has a scope; "submit=*" asks for the right to order jobs of any kind. */
function may(scope) {
  const all = scope.split("=")[0];
  return me.scopes.some((one) => one === scope || one === all || (scope === "submit=*" && one.startsWith("submit=")));
}

/** Show another page. */
export function go(url) {
  history.pushState(null, "", url);
  show();
}

/** Tell what has happened, to eyes and screen readers, for a while. */
export function say(text, isWrong = false) {
  said.textContent = text;
  said.className = isWrong ? "said wrong" : "said";
  clearTimeout(say.timer);
  say.timer = setTimeout(() => (said.textContent = ""), isWrong ? 12_000 : 5_000);
}

async function show() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  try {
    me ??= await get("/me", signal);
    if (!signal.aborted) await open(signal);
  } catch (problem) {
    if (!signal.aborted) refuse(problem);
  }
}

async function open(signal) {
  const page = PAGES.find((one) => one.path.test(location.pathname));
  drawNav(page);
  if (!page) return void fill(main, h("h1", null, "Page not found"), h("p", null, h("a", { href: "/" }, "Go to the overview")));
  document.title = `${page.title} · Continuo`;
  const [, id] = page.path.exec(location.pathname);
  shown = {
    id: id && decodeURIComponent(id),
    query: new URLSearchParams(location.search),
    may,
    sees: { all: !me.tenant },
    has: (extra) => me.extras.includes(extra),
    flower: me.flower,
    traces: me.traces,
    signal, go, say, fail,
    state: (how) => (how === "live" ? outage.hear() : outage.look()),
  };
  const before = document.activeElement;
  const content = await page.view(shown);
  if (signal.aborted) return;
  const now = document.activeElement; // who went to the search box meanwhile stays there
  const isElsewhere = now !== before && now !== document.body && !main.contains(now);
  main.replaceChildren(...[content].flat());
  if (!isElsewhere) main.focus({ preventScroll: true });
  scrollTo(0, 0);
}

/** The pages that the navigation offers to this key. */
function links() {
  return PAGES.filter((page) => page.link && (!page.scope || may(page.scope)) && (!page.extra || me.extras.includes(page.extra)) && !(page.all && me.tenant));
}

function drawNav(current) {
  const entry = (page) => h("a", { href: page.link, "aria-current": page === current ? "page" : null }, page.label ?? page.title);
  nav.replaceChildren(
    ...links().filter((page) => !page.more).map(entry),
    h("details", { class: "more" },
      h("summary", { "aria-current": current?.more ? "true" : null }, current?.more ? current.label ?? current.title : "More"),
      h("div", { class: "card" }, links().filter((page) => page.more).map(entry),
        me.outbox && h("a", { href: "/outbox" }, "Mail"),
        me.flower && h("a", { href: me.flower }, "Flower"),
        me.extras.includes("docs") && h("a", { href: "/docs" }, "API"))));
  document.getElementById("leave").hidden = !key.get();
}

/** Something did not work: say so, or ask for a key when that is what it needs. An outage has its banner. */
async function fail(problem) {
  if (problem.name === "AbortError") return;
  if (problem.status === 401) return refuse(problem);
  const isOutage = [0, 503].includes(problem.status) && (await outage.look());
  if (!isOutage) say(problem.message, true);
}

function refuse(problem) {
  if (problem instanceof Problem && problem.status === 401) return askForKey(key.get() ? problem.message : "");
  fill(main, h("h1", null, "The API is not available"), h("p", null, problem.message), h("button", { type: "button", onclick: show }, "Try again"));
  retryLater(leaving.signal);
}

function retryLater(signal) {
  const timer = setTimeout(show, 3_000);
  signal.addEventListener("abort", () => clearTimeout(timer), { once: true });
}

function askForKey(wrong) {
  key.drop();
  me = null;
  document.title = "Sign in · Continuo";
  nav.replaceChildren();
  document.getElementById("leave").hidden = true;
  const field = h("input", { id: "key", type: "password", name: "key", required: true, autocomplete: "current-password", "aria-describedby": "key-help" });
  const enter = (event) => {
    event.preventDefault();
    key.set(field.value.trim());
    show();
  };
  main.replaceChildren(h("form", { class: "sign-in card", onsubmit: enter },
    h("h1", null, "Sign in"),
    wrong && h("p", { class: "wrong", role: "alert" }, wrong),
    h("label", { for: "key" }, "API key"), field,
    h("p", { class: "help", id: "key-help" }, "It is kept until you close this tab. A key with the scope read can see everything and change nothing."),
    h("button", { class: "first" }, "Sign in")));
  field.focus();
}

const outage = watchOutages(document.getElementById("outage"), document.getElementById("connection"), show);
setInterval(() => document.hidden || tick(), 1_000);

// --- the look: as the system has it, or as chosen

const THEMES = ["auto", "light", "dark"];
const theme = document.getElementById("theme");

function wear(name) {
  document.documentElement.dataset.theme = name;
  localStorage.setItem("continuo-theme", name);
  theme.textContent = { auto: "Auto", light: "Light", dark: "Dark" }[name];
  theme.setAttribute("aria-label", `Colours: ${name}. Change`);
}

theme.addEventListener("click", () => wear(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme) + 1) % 3]));
wear(THEMES.find((name) => name === localStorage.getItem("continuo-theme")) ?? "auto");

// --- the zone of times

const zone = document.getElementById("zone");

function showZone() {
  zone.textContent = isUtc() ? "UTC" : "Local";
  zone.title = zoneName();
  zone.setAttribute("aria-label", `Times: ${isUtc() ? "UTC" : `Local, ${zoneName()}`}. Change`);
}

zone.addEventListener("click", () => {
  switchZone();
  showZone();
  show();
});
showZone();

// --- what works on every page

document.getElementById("leave").addEventListener("click", () => askForKey(""));

/** The menu below *More* closes when somebody goes on elsewhere. */
function closeMore(event) {
  if (event.target === main && event.type === "focusin") return; // a page has loaded
  const more = nav.querySelector("details");
  if (more?.open && !(event.type !== "keydown" && more.contains(event.target))) more.open = false;
}

document.addEventListener("click", closeMore);
document.addEventListener("focusin", closeMore);
document.addEventListener("keydown", (event) => event.key === "Escape" && closeMore(event));

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const url = new URL(link.href);
  if (link.target || link.hasAttribute("download") || url.origin !== location.origin || url.hash) return;
  if (!PAGES.some((page) => page.path.test(url.pathname))) return;
  event.preventDefault();
  go(url.pathname + url.search);
});

setUpPalette(document.getElementById("search"), () => ({ go, signal: leaving.signal, sees: { all: false }, ...shown, links: me ? links() : [], hasMail: me?.extras.includes("mail") }));

addEventListener("popstate", show);
show();
