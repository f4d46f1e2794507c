// The arrangements of inputs and outputs, each with a network of its own that is trained in the page; a step that does
// not count has no target.

import { h } from "../dom.js";
import { percent, svg } from "./drawing.js";
import { Adam, backward, drawn, forward, largest, loss, losses, mapped, oneHot, zeros, zerosLike } from "./network.js";

const LETTERS = [..."helo"];
const SEPARATOR = "|";
const READ = [...LETTERS, SEPARATOR];
const END = "end";
const ANSWERS = ["no", "yes"];
const WORDS = { h: "hello", e: "eel", l: "lo", o: "ole" };
const UNITS = 12;
const BATCH = 16;
const RATE = 0.02;
const SEED = 0;

const ofLength = (n) => (n ? ofLength(n - 1).flatMap((word) => LETTERS.map((letter) => word + letter)) : [""]);
const hasE = (text) => (text.includes("e") ? "yes" : "no");

/** By name: what is asked, what it can write, the texts it learns from, the longest that it takes, and `steps` of a
    text: what is read at each (null: zeros), and what should be written (null: it does not count). */
export const ARRANGEMENTS = {
  "one to one": {
    told: "One letter is read: is it an e? A single step, as in a network that is not recurrent.",
    outputs: ANSWERS, records: LETTERS, longest: 1,
    steps: (letter) => ({ reads: [letter], targets: [hasE(letter)] }),
  },
  "one to many": {
    told: "One letter is read, a word that begins with it is written. Only the first step has a real input, zeros follow.",
    outputs: [...LETTERS, END], records: LETTERS, longest: 1,
    steps: (letter) => ({ reads: [letter, ...[...WORDS[letter]].fill(null)], targets: [...WORDS[letter], END] }),
  },
  "many to one": {
    told: "A word is read: was there an e in it? The answer is the output after the last letter, no other counts.",
    outputs: ANSWERS, records: ofLength(3), longest: 6,
    steps: (word) => ({ reads: [...word], targets: [...word].map((_, t) => (t === word.length - 1 ? hasE(word) : null)) }),
  },
  "many to many, delayed": {
    told: "Two letters are read, then written backwards. Until the separator, which stands between, no output counts.",
    outputs: [...LETTERS, END], records: ofLength(2), longest: 2, shortest: 2,
    steps: (word) => {
      const written = [...word].reverse();
      return { reads: [...word, SEPARATOR, ...written], targets: [...[...word].fill(null), ...written, END] };
    },
  },
  "many to many, at every step": {
    told: "A word is read: has there been an e so far? Each step has an output that counts.",
    outputs: ANSWERS, records: ofLength(3), longest: 6,
    steps: (word) => ({ reads: [...word], targets: [...word].map((_, t) => hasE(word.slice(0, t + 1))) }),
  },
};

const inputs = (reads) => reads.map((each) => (each === null ? zeros(READ.length) : oneHot(READ.indexOf(each), READ.length)));

/** A network for an arrangement: `run` reads a text, `train` takes steps of Adam on BATCH texts each. */
export class Tiny {
  steps = 0;
  #arrangement;
  #adam = new Adam(RATE);

  constructor(name) {
    this.#arrangement = ARRANGEMENTS[name];
    this.W = drawn({ inputs: READ.length, units: UNITS, outputs: this.#arrangement.outputs.length }, SEED);
  }

  /** What it reads, what it should write (as numbers of outputs), all its steps, and their losses. */
  run(text) {
    const { steps, outputs } = this.#arrangement;
    const { reads, targets: names } = steps(text);
    const targets = names.map((name) => (name === null ? null : outputs.indexOf(name)));
    const found = forward(this.W, inputs(reads));
    return { reads, targets, steps: found, losses: losses(found, targets), loss: loss(found, targets) };
  }

  /** Take steps; returns the mean loss of the last. */
  train(count) {
    const { records } = this.#arrangement;
    let mean = 0;
    for (const last = this.steps + count; this.steps < last; this.steps += 1) {
      let gradients = zerosLike(this.W);
      mean = 0;
      for (let i = 0; i < BATCH; i += 1) {
        const { steps, targets, loss: each } = this.run(records[(this.steps * BATCH + i) % records.length]);
        gradients = mapped((sum, g) => sum + g / BATCH, gradients, backward(this.W, steps, targets).gradients);
        mean += each / BATCH;
      }
      this.W = this.#adam.step(this.W, gradients);
    }
    return mean;
  }
}

const TAUGHT = 100;
const SLICE = 10;
const EXAMPLES = { 1: "h", 2: "ho", 6: "hello" };

export function start(part) {
  const found = (name) => part.querySelector(`[data-${name}]`);
  const [figure, input, wrong, train] = ["figure", "input", "wrong", "train"].map(found);
  const names = Object.keys(ARRANGEMENTS);
  const networks = new Map();
  let name = names[0];
  let training = false;

  const network = () => networks.get(name) ?? networks.set(name, new Tiny(name)).get(name);
  const say = (told) => (found("progress").textContent = told);

  function draw() {
    const { longest, shortest = 1, outputs } = ARRANGEMENTS[name];
    const text = input.value.trim().toLowerCase();
    const fits = text.length >= shortest && text.length <= longest && [...text].every((letter) => LETTERS.includes(letter));
    input.setAttribute("aria-invalid", !fits);
    const many = { 1: "one", 2: "two", 6: "up to six" }[longest];
    wrong.textContent = fits ? "" : `Type ${many} of the letters h, e, l, o.`;
    if (!fits) return;
    const run = network().run(text);
    found("shown").replaceChildren(table(outputs, run));
    const some = run.targets.filter((target) => target !== null).length;
    found("counted").textContent = `${some} of ${run.targets.length} steps ${some === 1 ? "counts" : "count"}: the loss is ` +
      `${run.loss.toFixed(3)}, ${some === 1 ? "that of this step" : "their mean"}.`;
  }

  function choose(chosen) {
    name = chosen;
    const { told, longest } = ARRANGEMENTS[name];
    found("told").textContent = told;
    [input.value, input.maxLength] = [EXAMPLES[longest], longest];
    const { steps } = network();
    say(steps ? `${steps} training steps so far.` : "Not trained yet: it guesses.");
    draw();
  }

  found("kinds").append(...names.map((each) => {
    const { steps, longest } = ARRANGEMENTS[each];
    return h("label", { className: "kind" },
      h("input", { type: "radio", name: "arrangement", checked: each === name, onchange: () => choose(each) }),
      h("span", {}, each), diagram(steps(longest === 6 ? "hel" : EXAMPLES[longest])));
  }));
  input.addEventListener("input", draw);
  found("afresh").addEventListener("click", () => {
    networks.delete(name);
    choose(name);
  });
  train.addEventListener("click", async () => {
    if (training) return;
    training = true;
    train.setAttribute("aria-disabled", "true");
    figure.ariaBusy = true; // read aloud once it stays
    const taught = network();
    const is = () => networks.get(name) === taught;
    for (const goal = taught.steps + TAUGHT; taught.steps < goal && is();) {
      const mean = taught.train(SLICE);
      say(`After ${taught.steps} training steps the mean loss of the last ${BATCH} texts is ${mean.toFixed(3)}.`);
      draw();
      await new Promise(requestAnimationFrame);
    }
    train.setAttribute("aria-disabled", "false");
    figure.ariaBusy = false;
    training = false;
  });
  choose(name);
}

/** A box for each input, each state and each output that counts; zeros are dashed. */
function diagram({ reads, targets }) {
  const box = (t, y, kind) => svg("rect", { x: 22 * t + 2, y, width: 16, height: 16, rx: 3, class: kind });
  const wires = (t) => `M${22 * t + 10} 54v-10${targets[t] === null ? "" : "m0 -16v-10"}${t ? `M${22 * t - 4} 36h6` : ""}`;
  return svg("svg", { viewBox: `0 0 ${reads.length * 22} 72`, width: reads.length * 22, height: 72, "aria-hidden": "true", class: "boxes" },
    ...reads.flatMap((read, t) => [svg("path", { d: wires(t), class: "wire" }), box(t, 54, read === null ? "zeros" : "input"), box(t, 28, "state"),
      ...(targets[t] === null ? [] : [box(t, 2, "output")])]));
}

/** The steps side by side: what is read and written, what should be, and the loss where it counts. */
function table(outputs, { reads, targets, steps, losses: each }) {
  const row = (title, value) => h("tr", {}, h("th", { scope: "row" }, title), ...steps.map((step, t) =>
    h("td", { className: targets[t] === null ? "uncounted" : "" }, value(step, t))));
  return h("table", { className: "arranged" },
    h("thead", {}, h("tr", {}, h("td"), ...steps.map((_, t) => h("th", { scope: "col" }, `t = ${t + 1}`)))),
    h("tbody", {},
      row("loss", (_, t) => each[t]?.toFixed(3) ?? "does not count"),
      row("should write", (_, t) => outputs[targets[t]] ?? "–"),
      row("writes", ({ p }) => [h("b", {}, outputs[largest(p)]), ` ${percent(Math.max(...p))}`]),
      row("reads", (_, t) => h("b", {}, reads[t] ?? "0"))));
}
