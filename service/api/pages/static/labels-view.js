// The view for a classifier: how likely each label is of the text, as bars.

import { $, count, h, number } from "./dom.js";
import { TypedView } from "./typed-view.js";

const FEW = 10;

export class LabelsView extends TypedView {
  path = "/classify";
  task = "classify";
  hint = "The labels follow while you type.";
  answer = '["results"][0]["label"]';
  #probabilities = [];
  #all = false;

  constructor(form, reading) {
    super(form, reading);
    $("all-labels").addEventListener("click", () => {
      this.#all = !this.#all;
      this.#draw();
    });
  }

  show({ model, version, results: [{ label, probability, probabilities }] }, text) {
    this.#probabilities = Object.entries(probabilities);
    $("status").textContent = `${label}, ${percent(probability)} — ${model}, version ${version}`;
    this.#draw();
    this.reading.show({ body: { prompt: "" }, text, model, version, task: this.task });
  }

  clear() {
    this.reading.clear();
    $("bars").replaceChildren(h("li", { className: "empty" }, "No text yet."));
    $("all-labels").hidden = true;
  }

  #draw() {
    const shown = this.#all ? this.#probabilities : this.#probabilities.slice(0, FEW);
    $("bars").replaceChildren(...shown.map(([label, probability]) =>
      h("li", {}, h("span", { dir: "auto" }, label),
        h("meter", { value: probability, max: 1, "aria-hidden": "true" }), h("output", {}, percent(probability)))));
    $("all-labels").hidden = this.#probabilities.length <= FEW;
    $("all-labels").textContent = this.#all ? `The ${FEW} likeliest labels` : `All ${count(this.#probabilities.length, "label")}`;
    $("all-labels").setAttribute("aria-expanded", String(this.#all));
  }
}

const percent = (share) => `${number(100 * share, 1)} %`;
