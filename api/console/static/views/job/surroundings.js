// What a job is part of: a workflow, or a canvas of Celery with its graph.

import { fill, h } from "../../dom.js";
import { get } from "../../http.js";
import { rest } from "../../live.js";
import { graph } from "../workflows/graph.js";
import { pathOf } from "../workflows/workflows.js";

const EVERY = 2_000;
const ENDED = ["success", "failed", "cancelled"];

/** A section, hidden until `show(record)` finds that the job is part of something. */
export function surroundings(page) {
  const [about, drawing] = [h("p", null), h("div", null)];
  const section = h("section", { hidden: true, class: "card", "aria-label": "Part of" }, h("h2", null, "Part of"), about, drawing);
  let follows = false;
  const show = ({ workflow, canvas }) => {
    section.hidden = !workflow && !canvas;
    if (workflow) fill(about, "The node ", h("strong", null, workflow.node), " of a ", h("a", { href: pathOf(workflow.id) }, "workflow"), ".");
    if (!canvas || follows) return;
    follows = true;
    follow(page, about, drawing);
  };
  return { section, show };
}

/** Draw the canvas, and again while something goes on in it. */
async function follow(page, about, drawing) {
  const nameOf = ({ id, kind }) => (id === page.id ? `${kind} (this job)` : kind);
  const hrefOf = ({ task }) => task && `/console/jobs/${encodeURIComponent(task)}`;
  let [drawn, shape] = [null, ""];
  while (!page.signal.aborted) {
    try {
      const { nodes, complete } = await get(`/tasks/${encodeURIComponent(page.id)}/canvas`, page.signal);
      const current = JSON.stringify(nodes.map(({ id, before }) => [id, before]));
      fill(about, `A canvas of ${nodes.length} jobs${complete ? "" : "; there are more"}.`);
      if (current === shape) drawn.update(nodes);
      else drawing.replaceChildren((drawn = graph(nodes, { hrefOf, nameOf, go: page.go })).figure);
      shape = current;
      if (nodes.every(({ status }) => ENDED.includes(status))) return;
    } catch (problem) {
      if (problem.status) return;
    }
    await rest(EVERY, page.signal);
  }
}
