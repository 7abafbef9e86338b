// A drawing in which one points at a time, and chooses a stretch of time to look at more closely.

import { h, s } from "./dom.js";
import { clock, dayOf } from "./times.js";

const DAY = 86_400;

/**
 * `points` are spread evenly over the drawing, from `left` to its right edge. `words` says what a point is. `zoom(from, to)` is
 * called with a stretch of time that was dragged over, or chosen with Shift and the arrow keys, then Enter.
 */
export function plot(drawing, { title, points, left, width, height, words, zoom }) {
  const step = (width - left) / points.length;
  const length = points[1].at - points[0].at;
  const band = s("rect", { class: "band", y: 0, height, width: 0 });
  const tip = h("p", { class: "tip", "aria-hidden": "true" });
  const state = { at: points.length - 1, from: null, isDragged: false };
  const slider = h("div", {
    class: "cursor", role: "slider", tabindex: 0, "aria-label": `Time of ${title}`, "aria-valuemin": 0, "aria-valuemax": points.length - 1,
    onpointerdown: (event) => {
      slider.setPointerCapture(event.pointerId);
      Object.assign(state, { at: placeOf(event), from: placeOf(event), isDragged: true });
      show();
    },
    onpointermove: (event) => {
      state.at = placeOf(event);
      show();
    },
    onpointerup: () => {
      state.isDragged = false;
      if (state.from !== null && state.from !== state.at) choose();
      else leave();
    },
    onpointercancel: () => leave(),
    onpointerleave: () => state.isDragged || leave(),
    onblur: () => state.isDragged || leave(),
    onfocus: () => show(),
    onkeydown: (event) => press(event),
  });
  const placeOf = ({ clientX }) => {
    const box = slider.getBoundingClientRect();
    return clamp(Math.floor((((clientX - box.left) / box.width) * width - left) / step));
  };
  const clamp = (place) => Math.min(Math.max(place, 0), points.length - 1);
  const stretch = () => {
    const from = state.from ?? state.at;
    return [points[Math.min(from, state.at)].at, points[Math.max(from, state.at)].at + length];
  };
  const tell = () => {
    const [from, to] = stretch();
    const text = to - from > length ? stretchOf(from, to) : `${momentOf(from, length)}: ${words(points[state.at])}`;
    slider.setAttribute("aria-valuenow", state.at);
    slider.setAttribute("aria-valuetext", text);
    return text;
  };
  const show = () => {
    const from = state.from ?? state.at;
    band.setAttribute("x", left + Math.min(from, state.at) * step);
    band.setAttribute("width", (Math.abs(from - state.at) + 1) * step);
    tip.textContent = tell();
  };
  const leave = () => {
    Object.assign(state, { from: null, isDragged: false });
    band.setAttribute("width", 0);
    tip.textContent = "";
    slider.blur();
  };
  const choose = () => {
    const chosen = stretch();
    leave();
    zoom(...chosen);
  };
  const press = (event) => {
    const to = { ArrowLeft: state.at - 1, ArrowRight: state.at + 1, Home: 0, End: points.length - 1 }[event.key];
    if (event.key === "Escape") leave();
    else if (event.key === "Enter") choose();
    else if (to === undefined) return;
    else Object.assign(state, { from: event.shiftKey ? state.from ?? state.at : null, at: clamp(to) }), show();
    event.preventDefault();
  };
  tell();
  drawing.prepend(band);
  return h("div", { class: "plot" }, drawing, slider, tip);
}

/** Whether somebody points at a chart in there: it is not drawn anew meanwhile. */
export function isPointedAt(place) {
  return [...place.querySelectorAll(".tip")].some((tip) => tip.textContent);
}

/** From when to when, as briefly as it is clear. */
export function stretchOf(from, to) {
  const isOfDays = (to - from) % DAY === 0;
  const last = isOfDays ? to - 1 : to;
  return `${momentOf(from, isOfDays ? DAY : 60)} – ${momentOf(last, isOfDays ? DAY : 60)}`;
}

function momentOf(at, length) {
  return length >= DAY ? dayOf(at) : `${dayOf(at)} ${clock(at).slice(0, 5)}`;
}
