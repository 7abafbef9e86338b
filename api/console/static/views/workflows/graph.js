// The drawing of a graph of jobs. Each node is a link; the arrow keys go from one to the next.

import { h, number, s, span } from "../../dom.js";
import { layOut, listChildren, NODE } from "./layout.js";
import { findCriticalPath, timesOf } from "./path.js";

const MOST_LETTERS = 20;
const ARROWS = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" };

/** A drawing of nodes as `GET /workflows/{id}` has them. `hrefOf(node)` is where one leads, null for nowhere; `go` goes there. */
export function graph(nodes, { hrefOf, nameOf = ({ id }) => id, go }) {
  const layout = layOut(nodes);
  const marks = new Map(layout.layers.flat().map((id) => [id, drawNode(layout.boxes.get(id))]));
  const edges = layout.edges.map((edge) => ({ ...edge, path: s("path", { class: "edge", d: curve(edge.points) }) }));
  const drawing = s("svg", { class: "graph", width: layout.width, height: layout.height, viewBox: `0 0 ${layout.width} ${layout.height}`, role: "group", "aria-label": "Graph. Arrow keys go from node to node, Enter opens its job." },
    edges.map(({ path }) => path), [...marks.values()].map(({ link }) => link));
  walk(drawing, layout, listChildren(nodes), marks);
  drawing.addEventListener("click", (event) => follow(event, go));
  const update = (current) => {
    const now = Date.now() / 1000;
    const { ids } = findCriticalPath(current, now);
    const after = new Map(ids.map((id, place) => [id, ids[place + 1]]));
    for (const node of current) write(marks.get(node.id), node, tell(node, nameOf(node), now), hrefOf(node), after.has(node.id));
    for (const { from, to, path } of edges) path.classList.toggle("critical", after.get(from) === to);
  };
  update(nodes);
  return { update, figure: h("figure", null,
    h("div", { class: "wide scroll", tabindex: 0, role: "region", "aria-label": "Graph" }, drawing),
    h("p", { class: "legend graph-legend" }, "Times: queued + ran. The thick line is the critical path.")) };
}

function drawNode({ x, y }) {
  const [name, state, times, whole] = [
    s("text", { class: "name", x: x + 12, y: y + 19 }), s("text", { class: "state", x: x + 12, y: y + 37 }),
    s("text", { x: x + NODE.width - 10, y: y + 37, "text-anchor": "end" }), s("title"),
  ];
  const link = s("a", { tabindex: -1, role: "link" }, whole, s("rect", { class: "box", x, y, width: NODE.width, height: NODE.height, rx: 6 }), name, state, times);
  return { link, name, state, times, whole, said: "" };
}

function write(mark, node, words, href, isCritical) {
  const said = JSON.stringify([node.status, words, href, isCritical]);
  if (mark.said === said) return;
  mark.said = said;
  mark.link.setAttribute("class", `node ${node.status}${isCritical ? " critical" : ""}`);
  mark.link.setAttribute("aria-label", `${words.name}: ${words.state}${words.spoken}${isCritical ? ", on the critical path" : ""}`);
  mark.name.textContent = words.name.length > MOST_LETTERS ? `${words.name.slice(0, MOST_LETTERS - 1)}…` : words.name;
  mark.whole.textContent = `${words.name} (${node.kind})`;
  mark.state.textContent = words.state;
  mark.times.textContent = words.times;
  if (href) mark.link.setAttribute("href", href);
  else mark.link.removeAttribute("href");
  if (href) mark.link.removeAttribute("aria-disabled");
  else mark.link.setAttribute("aria-disabled", "true");
}

/** What is said of a node: its name, how it stands, and its times. */
function tell(node, name, now) {
  const { queued, ran } = timesOf(node, now);
  if (node.rows) return { name: `${name} ×${number(node.rows.total)}`, state: tellRows(node.rows), times: ran === null ? "" : span(ran), spoken: `, ${node.status}` };
  const times = [queued, ran].filter((one) => one !== null).map(span).join(" + ");
  const spoken = queued === null ? "" : `, queued ${span(queued)}${ran === null ? "" : `, ran ${span(ran)}`}`;
  return { name, state: node.status, times, spoken };
}

/** How far a fan-out is: "300 done, 2 failed". */
export function tellRows({ total, ended, failed }) {
  const done = ended - failed;
  return `${number(done)} done${failed ? `, ${number(failed)} failed` : ""}${total > ended && !failed ? ` of ${number(total)}` : ""}`;
}

/** A line from box to box, through the middle of its bends. */
function curve(points) {
  const y = (point) => point.y + NODE.height / 2;
  const [first, ...rest] = points;
  let from = { x: first.x + NODE.width, y: y(first) };
  let path = `M${from.x},${from.y}`;
  for (const point of rest) {
    const middle = (from.x + point.x) / 2;
    path += `C${middle},${from.y} ${middle},${y(point)} ${point.x},${y(point)}`;
    from = { x: point.x + NODE.width, y: y(point) };
    if (point !== points.at(-1)) path += `H${from.x}`;
  }
  return path;
}

/** Go where a node leads, as the links of the page do; in a new tab if that is wanted. */
function follow(event, go) {
  const href = event.target.closest("a")?.getAttribute("href");
  if (!href || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go(href);
}

// --- by keyboard

/** One node is in the order of the Tab key; from there the arrows go along the edges and up and down. */
function walk(drawing, { layers, boxes }, children, marks) {
  const parents = new Map([...children.keys()].map((id) => [id, []]));
  for (const [id, ones] of children) for (const child of ones) parents.get(child).push(id);
  const ids = new Map([...marks].map(([id, { link }]) => [link, id]));
  let current = layers[0][0];
  marks.get(current).link.setAttribute("tabindex", 0);
  drawing.addEventListener("focusin", ({ target }) => {
    if (!ids.has(target)) return;
    marks.get(current).link.setAttribute("tabindex", -1);
    current = ids.get(target);
    target.setAttribute("tabindex", 0);
  });
  drawing.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const { layer, place } = boxes.get(current);
    const near = (ones) => ones.toSorted((one, other) => Math.abs(boxes.get(one).y - boxes.get(current).y) - Math.abs(boxes.get(other).y - boxes.get(current).y))[0];
    const next = { left: near(parents.get(current)), right: near(children.get(current)), up: layers[layer][place - 1], down: layers[layer][place + 1] }[way];
    if (next !== undefined) marks.get(next).link.focus();
  });
}
