// Where the nodes of a graph are drawn: each in a layer right of all that it waits for, ordered so that few edges cross.

const SWEEPS = 4;
const MOST_BENDS = 4_000;

export const NODE = { width: 180, height: 48 };
const GAP = { across: 56, along: 12 };
const MARGIN = 6;

/**
 * Nodes are `{id, before}`, each after those that it waits for. Gives `{width, height, layers, boxes, edges}`: layers are
 * lists of ids from top to bottom, boxes are id -> `{x, y, layer, place}`, edges are `{from, to, points}`.
 */
export function layOut(nodes) {
  const depth = findDepths(nodes);
  const { layers, routes } = addBends(nodes, depth);
  sweep(layers, routes);
  const spots = setSpots(layers);
  const boxes = new Map(nodes.map(({ id }) => [id, spots.get(id)]));
  const edges = routes.map((route) => ({ from: route[0], to: route.at(-1), points: route.map((id) => spots.get(id)) }));
  const drawn = layers.map((layer) => layer.filter((id) => boxes.has(id)));
  drawn.forEach((layer) => layer.forEach((id, place) => (boxes.get(id).place = place)));
  const tallest = Math.max(...layers.map((layer) => layer.length));
  return {
    layers: drawn, boxes, edges,
    width: 2 * MARGIN + layers.length * (NODE.width + GAP.across) - GAP.across,
    height: 2 * MARGIN + tallest * (NODE.height + GAP.along) - GAP.along,
  };
}

/** The edges between nodes that are there: id -> ids of those that wait for it. */
export function listChildren(nodes) {
  const known = new Set(nodes.map(({ id }) => id));
  return new Map(nodes.map(({ id, before }) => [id, before.filter((child) => known.has(child))]));
}

/** How many edges the longest path to each node has. */
function findDepths(nodes) {
  const depth = new Map(nodes.map(({ id }) => [id, 0]));
  for (const [id, children] of listChildren(nodes)) {
    for (const child of children) depth.set(child, Math.max(depth.get(child), depth.get(id) + 1));
  }
  return depth;
}

/** The layers, and the way of each edge: one that passes layers has a bend in each of them, unless there are too many. */
function addBends(nodes, depth) {
  const layers = Array.from({ length: Math.max(...depth.values()) + 1 }, () => []);
  for (const { id } of nodes) layers[depth.get(id)].push(id);
  let bends = 0;
  const routes = [];
  for (const [from, children] of listChildren(nodes)) {
    for (const to of children) {
      const route = [from];
      for (let layer = depth.get(from) + 1; layer < depth.get(to) && bends < MOST_BENDS; layer += 1) {
        const bend = Symbol();
        bends += 1;
        layers[layer].push(bend);
        route.push(bend);
      }
      routes.push([...route, to]);
    }
  }
  return { layers, routes };
}

/** Order each layer by where its neighbours in the layer before stand on average, then by those after it, and again. */
function sweep(layers, routes) {
  const [left, right] = [new Map(), new Map()];
  const add = (map, id, other) => map.get(id)?.push(other) ?? map.set(id, [other]);
  for (const route of routes) {
    for (let i = 1; i < route.length; i += 1) {
      add(left, route[i], route[i - 1]);
      add(right, route[i - 1], route[i]);
    }
  }
  const place = new Map();
  const note = (layer) => layer.forEach((id, at) => place.set(id, at - layer.length / 2));
  layers.forEach(note);
  for (let round = 0; round < SWEEPS; round += 1) {
    const neighbours = round % 2 ? right : left;
    for (const layer of round % 2 ? layers.toReversed() : layers) {
      const wish = new Map(layer.map((id) => [id, mean((neighbours.get(id) ?? [id]).map((one) => place.get(one)))]));
      layer.sort((one, other) => wish.get(one) - wish.get(other));
      note(layer);
    }
  }
}

function mean(numbers) {
  return numbers.reduce((sum, one) => sum + one, 0) / numbers.length;
}

/** Layers from left to right, each in the middle of the height. */
function setSpots(layers) {
  const step = NODE.height + GAP.along;
  const tallest = Math.max(...layers.map((layer) => layer.length));
  const spots = new Map();
  layers.forEach((layer, number) => layer.forEach((id, at) => spots.set(id, {
    x: MARGIN + number * (NODE.width + GAP.across),
    y: MARGIN + ((tallest - layer.length) / 2 + at) * step,
    layer: number,
  })));
  return spots;
}
