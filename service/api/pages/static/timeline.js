// The same prompt after 1 %, 5 %, 20 % and all of the training: how a text becomes more natural.

import { $, h, number } from "./dom.js";

const SHARES = [0, 0.01, 0.05, 0.2, 1];
const START = "the start of a text";

/** The samples of one job, for the prompt that the user chooses. */
export class Timeline {
  #all = [];
  #steps = null;
  #task = "";

  constructor() {
    $("which").addEventListener("change", () => this.#show());
  }

  clear() {
    this.#all = [];
    $("which").replaceChildren();
    $("timeline").replaceChildren();
  }

  /** Set the total number of steps, once it is known. */
  total(steps) {
    this.#steps = steps;
    this.#show();
  }

  /** Set the task, on which it depends whether there are samples and what they are. */
  about(task = "generate") {
    this.#task = task;
    $("samples").hidden = task === "classify" || task === "tag";
    this.#show();
  }

  /** Add the samples of one moment: `{step, fraction, samples}`. */
  add(moment) {
    this.#all.push(moment);
    if (!$("which").options.length) this.#offer(moment.samples);
    this.#show();
  }

  #offer(samples) {
    const options = samples.map(({ prompt }, index) => h("option", { value: index }, named(prompt)));
    $("which").replaceChildren(...options);
    $("which").value = String(samples.length - 1);
  }

  #share({ step, fraction }) {
    return this.#steps ? step / this.#steps : (fraction ?? 0);
  }

  /** The moments closest to the shares reached so far, and the latest one. */
  #chosen() {
    const latest = this.#all.at(-1);
    const reached = latest ? this.#share(latest) : 0;
    const near = SHARES.filter((share) => share <= reached + 0.005).map((share) =>
      this.#all.reduce((best, moment) =>
        Math.abs(this.#share(moment) - share) < Math.abs(this.#share(best) - share) ? moment : best));
    return [...new Set([...near, ...(latest ? [latest] : [])])];
  }

  #show() {
    if (!this.#all.length) return;
    const which = Number($("which").value);
    $("timeline").replaceChildren(...this.#chosen().map((moment) => this.#item(moment, moment.samples[which])));
  }

  #item(moment, { prompt, text }) {
    const share = this.#share(moment);
    const label = moment.step === 0 ? "untrained" : share === 1 ? "at the end" : `after ${percent(share)}`;
    return h("li", {},
      h("h4", {}, h("b", {}, label), ` · step ${number(moment.step)}`),
      h("p", { dir: "auto" }, h("span", { className: "prompt" }, prompt, this.#task === "transduce" ? " → " : ""), text));
  }
}

const percent = (share) => `${number(100 * share, share < 0.1 && (100 * share) % 1 > 0.05 ? 1 : 0)} %`;

function named(prompt) {
  const shown = prompt.replaceAll("\n", "↵");
  return shown.trim() ? `“${shown.length > 24 ? `${shown.slice(0, 24)}…` : shown}”` : START;
}
