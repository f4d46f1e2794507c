// The view for a model that turns texts into others: what each line becomes, beside it.

import { $, h, number } from "./dom.js";
import { numeric } from "./request.js";
import { copy } from "./saving.js";
import { TypedView } from "./typed-view.js";

export class TargetsView extends TypedView {
  path = "/transduce";
  task = "transduce";
  #byLine = true;
  #results = [];

  constructor(form) {
    super(form);
    $("copy-outputs").addEventListener("click", ({ target }) => copy(this.#results.map(({ text }) => text).join("\n"), target));
  }

  offer({ unit }) {
    this.#byLine = unit === "line";
  }

  get hint() {
    return this.#byLine ? "Each line is a text of its own." : "It follows while you type.";
  }

  /** One text; of records that are lines, one for each line. */
  texts() {
    if (!this.#byLine) return super.texts();
    const lines = this.form.elements.text.value.split("\n").filter((line) => line.trim());
    return lines.length > 1 ? { texts: lines } : { text: lines[0] ?? "" };
  }

  body() {
    return { ...super.body(), ...numeric(this.form.elements.beams) };
  }

  show({ model, version, results }) {
    this.#results = results;
    $("status").textContent = `${model}, version ${version}`;
    $("outputs-tools").hidden = false;
    $("outputs").replaceChildren(...results.map(({ text, logprob, finish_reason: reason }) =>
      h("li", {}, h("span", { dir: "auto" }, text),
        h("small", {}, `${number(100 * Math.exp(logprob), 1)} %${reason === "length" ? ", cut off" : ""}`))));
  }

  clear() {
    $("outputs-tools").hidden = true;
    $("outputs").replaceChildren(h("li", { className: "empty" }, "No text yet."));
  }
}
