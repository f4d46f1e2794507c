// Several runs in one chart, by characters read.

import { get } from "./api.js";
import { Chart } from "./charts.js";
import { $, h } from "./dom.js";
import { showError } from "./errors.js";

const COLOURS = ["--accent", "--chart-2", "--chart-3", "--chart-4"];

/** The runs selected in the list of jobs. */
export class Comparison {
  #runs = new Map();
  #chart = null;

  constructor() {
    $("measure").addEventListener("change", () => this.#draw());
  }

  /** A checkbox that selects a job. */
  box({ id, model, version }) {
    const name = version === null ? model : `${model}@${version}`;
    return h("input", { type: "checkbox", className: "tick", "aria-label": `Compare ${name}, ${id}`, checked: this.#runs.has(id),
      onchange: ({ target }) => this.#tick(id, name, target.checked) });
  }

  async #tick(id, name, on) {
    this.#runs.delete(id);
    try {
      if (on) this.#runs.set(id, { name, metrics: (await get(`/jobs/${id}`)).metrics });
      this.#draw();
    } catch (error) {
      showError($("page-error"), error);
    }
  }

  #draw() {
    this.#chart?.remove();
    this.#chart = null;
    $("compared").hidden = this.#runs.size === 0;
    const runs = [...this.#runs.values()].map(({ name, metrics }) => ({ name, points: points(metrics, $("measure").value) }));
    const measured = runs.filter(({ points: [x] }) => x.length);
    const missing = runs.filter(({ points: [x] }) => !x.length).map(({ name }) => name);
    $("compared-note").textContent = missing.length ? `This was not measured for ${missing.join(", ")}.` :
      runs.length === 1 ? "Tick another run to compare." : "";
    if (!measured.length) return;
    const lines = measured.map(({ name }, index) =>
      ({ label: name, colour: COLOURS[index % COLOURS.length], dashed: index >= COLOURS.length }));
    this.#chart = new Chart($("compared-chart"), lines, { height: 220 });
    this.#chart.show(measured.map(({ points: table }) => table));
  }
}

/** Characters read, and the new values. */
function points(metrics, measure) {
  const table = [[], []];
  for (const each of metrics) {
    const value = each[measure];
    if (value === undefined || value === null || (measure !== "loss" && value === table[1].at(-1))) continue;
    if (each.characters === table[0].at(-1)) continue;
    table[0].push(each.characters);
    table[1].push(value);
  }
  return table;
}
