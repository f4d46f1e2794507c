// The character language model: "hell" to "ello", trained here, then written from "h" alone.

import { count, h } from "../dom.js";
import { bars, curve, percent, signed, svg, vector } from "./drawing.js";
import { Adam, backward, drawn, forward, losses, loss, oneHot, written } from "./network.js";
import { renew, unrolled } from "./unrolled.js";

const VOCABULARY = [..."helo"];
const ids = (text) => [...text].map((character) => VOCABULARY.indexOf(character));
const INPUTS = ids("hell").map((id) => oneHot(id, VOCABULARY.length));
const TARGETS = ids("ello");
const SIZES = { inputs: VOCABULARY.length, units: 8, outputs: VOCABULARY.length };
const RATE = 0.01;
const AT_ONCE = 200;
const AT_ONCE_MS = 1500;
const TEXTS = 100;

export function start(part) {
  const at = (name) => part.querySelector(`[data-${name}]`);
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let [W, adam, curveOf, wanted] = [null, null, [], 0];
  let [weightSeed, textSeed] = [2, 1];

  function begin() {
    W = drawn(SIZES, weightSeed);
    adam = new Adam(RATE);
    curveOf = [loss(forward(W, INPUTS), TARGETS)];
    wanted = 0;
    show();
    tell();
  }

  function learn() {
    W = adam.step(W, backward(W, forward(W, INPUTS), TARGETS).gradients);
    curveOf.push(loss(forward(W, INPUTS), TARGETS));
  }

  /** Train on, at a pace at which one can watch, or all at once for a reader who wants no motion. */
  async function train() {
    const isRunning = wanted >= curveOf.length;
    wanted = curveOf.length - 1 + AT_ONCE;
    if (isRunning) return;
    at("text").ariaBusy = true; // read aloud once it stays
    const [began, from] = [performance.now(), curveOf.length];
    while (wanted >= curveOf.length) {
      const due = still.matches ? wanted : from + (AT_ONCE * (performance.now() - began)) / AT_ONCE_MS;
      while (curveOf.length <= Math.min(due, wanted)) learn();
      show();
      await new Promise(requestAnimationFrame);
    }
    at("text").ariaBusy = false;
    show();
    tell();
  }

  function tell() {
    at("learned").textContent = `After ${count(curveOf.length - 1, "training step")} the loss is ${signed(curveOf.at(-1), 4)}.`;
  }

  function show() {
    at("curve").replaceChildren(chart(curveOf));
    renew(at("reads"), reading(forward(W, INPUTS)));
    write();
  }

  function write() {
    const temperature = at("temperature").valueAsNumber;
    const steps = written(W, 0, TARGETS.length, temperature, textSeed);
    at("degrees").textContent = temperature.toFixed(1);
    at("temperature").setAttribute("aria-valuetext", temperature ? temperature.toFixed(1) : "0: the likeliest always");
    at("text").replaceChildren("h alone becomes ", h("b", { className: "mono" }, spelled(steps)),
      temperature ? "." : ", always: at a temperature of 0 nothing is left to chance.");
    at("redraw").setAttribute("aria-disabled", !temperature);
    renew(at("writes"), writing(steps));
    at("counts").replaceChildren(bars(`Of ${TEXTS} texts drawn`, mostFrequent(W, temperature)));
  }

  at("train").addEventListener("click", train);
  at("once").addEventListener("click", () => {
    learn();
    show();
    tell();
  });
  at("again").addEventListener("click", () => {
    weightSeed += 1;
    begin();
  });
  at("temperature").addEventListener("input", write);
  at("redraw").addEventListener("click", () => {
    textSeed += 1;
    write();
  });
  begin();
}

const spelled = (steps) => VOCABULARY[steps[0].read] + steps.map(({ chosen }) => VOCABULARY[chosen]).join("");
const letter = (id) => h("b", { className: "letter" }, VOCABULARY[id]);

/** What is read, computed and wanted at each step. */
function reading(steps) {
  const each = losses(steps, TARGETS);
  const row = (title, cells) => ({ title, cells });
  return unrolled({
    caption: "Inputs, logits, probabilities, targets and losses along hell", titles: steps.map((_, t) => `t = ${t + 1}`),
    rows: [
      row("reads", steps.map(({ x }) => letter(x.indexOf(1)))),
      row("x, one-hot", steps.map(({ x }) => vector(x, VOCABULARY, { digits: 0 }))),
      row("y, logits", steps.map(({ y }) => vector(y, VOCABULARY, { full: 4 }))),
      row("p, softmax", steps.map(({ p }) => vector(p, VOCABULARY))),
      row("target", TARGETS.map(letter)),
      row("its p", steps.map(({ p }, t) => percent(p[TARGETS[t]]))),
      row("loss", each.map((value) => signed(value, 4))),
    ],
  });
}

/** What is drawn at each step, and read at the next. */
const writing = (steps) => unrolled({
  caption: "Inputs, probabilities and drawn characters from h alone", titles: steps.map((_, t) => `t = ${t + 1}`),
  rows: [
    { title: "reads", cells: steps.map(({ read }) => letter(read)) },
    { title: "p", cells: steps.map(({ p }) => vector(p, VOCABULARY)) },
    { title: "draws", cells: steps.map(({ chosen }) => letter(chosen)) },
  ],
});

/** The texts that are drawn most, with their shares. */
function mostFrequent(W, temperature) {
  const texts = Array.from({ length: TEXTS }, (_, seed) => spelled(written(W, 0, TARGETS.length, temperature, seed)));
  const groups = [...Map.groupBy(texts, (text) => text)].map(([text, all]) => [text, all.length / TEXTS]);
  const shown = groups.sort((a, b) => b[1] - a[1]).slice(0, 5);
  const rest = 1 - shown.reduce((sum, [, share]) => sum + share, 0);
  return rest > 1e-9 ? [...shown, ["others", rest]] : shown;
}

function chart(values) {
  const [most, highest, width, height] = [Math.max(AT_ONCE, values.length - 1), 1.5, 200, 110];
  const label = (x, y, text, name = "") => svg("text", { x, y, class: name }, text);
  return svg("svg", { viewBox: "0 0 240 150", class: "curve", role: "img",
    "aria-label": `The loss over ${count(values.length - 1, "step")}: from ${signed(values[0])} to ${signed(values.at(-1), 4)}` },
    svg("g", { transform: "translate(30 12)" },
      svg("path", { d: `M0 0V${height}H${width}`, class: "axis" }),
      svg("path", { d: curve(values, { most, highest, width, height }), class: "line" }),
      label(-6, 4, "1.5", "end"), label(-6, height + 4, "0", "end"),
      label(0, height + 18, "loss by step"), label(width, height + 18, String(most), "end")));
}
