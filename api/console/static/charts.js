// Small drawings of times. What they show is in words, too, for those who do not see them.

import { h, number, s } from "./dom.js";
import { plot } from "./plot.js";
import { clock, dayOf } from "./times.js";

const WIDTH = Math.min(640, Math.max(320, innerWidth - 60));
const HEIGHT = 150;
const LEFT = 46;
const BOTTOM = 20;
const TOP = 8;

/** Columns of numbers on top of each other. `parts` are `[name, value]`; the name is its colour's class. `zoom` as of a plot. */
export function stacks(title, points, parts, when = "in the last hour", zoom = null) {
  const sums = points.map((point) => parts.reduce((sum, [, value]) => sum + (value(point) ?? 0), 0));
  const top = ceiling(Math.max(...sums, 0), 4);
  const step = (WIDTH - LEFT) / Math.max(points.length, 1);
  const columns = points.map((point, place) => {
    let from = 0;
    return parts.map(([name, value]) => {
      const height = scaled(value(point) ?? 0, top);
      from += height;
      return height ? s("rect", { class: name, x: LEFT + place * step + 1, width: Math.max(step - 2, 1), y: HEIGHT - BOTTOM - from, height }) : null;
    });
  });
  const total = sums.reduce((sum, one) => sum + one, 0);
  return figure(title, `${number(total)} ${when}`, points, top, number, columns, parts.map(([name, value]) => [name, name, value]), zoom);
}

/** Lines; a value of null is a gap. */
export function lines(title, points, parts, written, when = "in the last hour", zoom = null) {
  const values = points.flatMap((point) => parts.map(([, value]) => value(point) ?? 0));
  const top = ceiling(Math.max(...values, 0), 0.1);
  const step = (WIDTH - LEFT) / Math.max(points.length, 1);
  const drawn = parts.map(([, value], which) => {
    const path = points.map((point, place) => {
      if (value(point) === null) return "";
      const there = `${(LEFT + (place + 0.5) * step).toFixed(1)} ${(HEIGHT - BOTTOM - scaled(value(point), top)).toFixed(1)}`;
      const goesOn = place && value(points[place - 1]) !== null;
      return goesOn ? `L${there}` : `M${there}h0`; // a point, if nothing follows
    });
    return s("path", { class: `line line-${which}`, d: path.join("") });
  });
  const last = points.map(parts[0][1]).filter((one) => one !== null).at(-1);
  const words = last === undefined ? `no attempt began ${when}` : `${parts[0][0]}: ${written(last)} lately`;
  return figure(title, words, points, top, written, drawn, parts.map(([name, value], which) => [name, `line-${which}`, value]), zoom);
}

function figure(title, words, points, top, written, drawn, legend, zoom) {
  const drawing = s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${words}` }, grid(top, written), hours(points), drawn);
  const said = (point) => legend.map(([name, , value]) => [name, value(point)]).filter(([, value]) => value !== null && value !== undefined)
    .map(([name, value]) => `${name} ${written(value)}`).join(", ") || "nothing";
  return h("figure", { class: "card" },
    h("figcaption", null, h("strong", null, title), h("span", { class: "help" }, words)),
    zoom && points.length > 1 ? plot(drawing, { title, points, left: LEFT, width: WIDTH, height: HEIGHT - BOTTOM, words: said, zoom }) : drawing,
    h("p", { class: "legend" }, legend.map(([name, look]) => h("span", { class: look }, name))));
}

function grid(top, written) {
  return [0, 0.5, 1].map((part) => {
    const y = HEIGHT - BOTTOM - scaled(part * top, top);
    return [
      s("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }),
      s("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, written(part * top)),
    ];
  });
}

function hours(points) {
  const step = (WIDTH - LEFT) / Math.max(points.length, 1);
  const most = Math.floor(WIDTH / 90);
  const every = Math.max(Math.ceil(points.length / most / 12) * 12, 15);
  return points.map((point, place) => (place % every === 0 && (points.length - place) * step > 50
    ? s("text", { x: LEFT + place * step, y: HEIGHT - 4 }, written(point.at, points)) : null));
}

/** A time of day, or the day where points are of several days. */
function written(at, points) {
  if (points.at(-1).at - points[0].at < 172_800) return clock(at).slice(0, 5);
  return dayOf(at);
}

function scaled(value, top) {
  return (value / top) * (HEIGHT - BOTTOM - TOP);
}

/** The next round number: 1, 2 or 5 and noughts. */
function ceiling(value, least) {
  if (value <= least) return least;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((one) => one * power).find((one) => one >= value);
}
