// One set of parameters over time: a network of two units along "hello", rolled up and unrolled.

import { h } from "../dom.js";
import { entire, indexed, matrix, percent, signed, svg, vector } from "./drawing.js";
import { forward, largest, oneHot, zeros } from "./network.js";
import { stepping } from "./stepping.js";
import { renew, unrolled } from "./unrolled.js";

const VOCABULARY = [..."helo"];
const TEXT = [..."hello"];
const UNITS = ["unit 1", "unit 2"];
const TRAINED = {
  W_xh: [[1.5, -0.4, -1, 0], [0.3, -0.4, 0.1, 0]],
  W_hh: [[0.1, 0.8], [-2.1, 1]],
  b: [0.1, -0.1],
  W_hy: [[0.1, 0.2], [2.7, 0.9], [-1.6, -2.8], [-1.7, 2.6]],
  b_y: [-1.4, 0.6, 0.7, 0],
};
const INPUTS = TEXT.map((character) => oneHot(VOCABULARY.indexOf(character), VOCABULARY.length));
const BEFORE = forward(TRAINED, INPUTS);

export function start(part) {
  const [figure, rolled, aside, worked, weights, step, changed] =
    ["figure", "rolled", "unrolled", "worked", "weights", "step", "changed"].map((name) => part.querySelector(`[data-${name}]`));
  let W = structuredClone(TRAINED);
  let at = 0;
  let go = null;

  function draw() {
    const steps = forward(W, INPUTS);
    rolled.replaceChildren(loop(steps[at], at));
    renew(aside, table(steps, at, go));
    worked.replaceChildren(...calculation(W, steps[at], at));
    step.textContent = `Step ${at + 1} of ${TEXT.length} reads “${TEXT[at]}” and expects “${expected(steps[at])}” next.`;
  }

  function change(name, row, column, value) {
    if (Array.isArray(W[name][row])) W[name][row][column] = value;
    else W[name][row] = value;
    draw();
    tell();
  }

  function tell() {
    const steps = forward(W, INPUTS);
    const other = (key) => steps.filter((each, t) => differs(each[key], BEFORE[t][key])).length;
    changed.textContent = `With these weights h differs at ${other("h")} of ${TEXT.length} steps from what it was, y at ${other("y")}. ` +
      `Expected along the text: ${steps.map(expected).join(" ")}.`;
  }

  function offer() {
    weights.replaceChildren(...tables(W, change));
  }

  part.querySelector("[data-reset]").addEventListener("click", () => {
    W = structuredClone(TRAINED);
    offer();
    draw();
    tell();
  });
  offer();
  stepping(figure, aside, () => TEXT.length, (place, lead) => {
    [at, go] = [place, lead];
    draw();
  });
}

const expected = ({ y }) => VOCABULARY[largest(y)];
const differs = (a, b) => a.some((value, i) => signed(value) !== signed(b[i]));

/** The weights as tables whose numbers can be changed. */
function tables(W, change) {
  const table = (name, caption, rows, columns, values = W[name]) => matrix({ name, caption, rows, columns, values,
    onInput: (row, column, value) => change(name, row, column, value) });
  const upright = (values) => values.map((value) => [value]);
  return [
    table("W_xh", "W_xh: from x to h", UNITS, VOCABULARY),
    table("W_hh", "W_hh: from h to h", UNITS, UNITS),
    table("b", "b: added to h", UNITS, [""], upright(W.b)),
    table("W_hy", "W_hy: from h to y", VOCABULARY, UNITS),
    table("b_y", "b_y: added to y", VOCABULARY, [""], upright(W.b_y)),
  ];
}

/** All steps side by side; numbers that the trained weights do not give are marked. */
function table(steps, at, go) {
  const row = (title, key, draw, className = "") => ({ title, className, cells: steps.map((each, t) => {
    return h("div", { className: differs(each[key], BEFORE[t][key]) ? "other" : "" }, draw(each, t));
  }) });
  return unrolled({
    caption: "Every x, h and y along hello", titles: TEXT.map((_, t) => `t = ${t + 1}`), at, go, className: "flows",
    rows: [
      row("next", "y", (each) => h("span", { className: "expected" }, h("b", {}, expected(each)), ` ${percent(Math.max(...each.p))}`)),
      row("y", "y", ({ y }) => vector(y, VOCABULARY, { full: 4 })),
      row("h", "h", ({ h: state }) => vector(state, UNITS, { quiet: true }), "states"),
      row("x", "x", ({ x }, t) => h("span", { className: "read" }, h("b", {}, TEXT[t]), vector(x, VOCABULARY, { digits: 0 }))),
    ],
  });
}

/** The step's state written out, with numbers. */
function calculation(W, { x, before, h: state }, at) {
  const read = x.indexOf(1);
  const past = at ? indexed("h", at) : "h₀, which is zero";
  const line = (unit) => `${UNITS[unit]} of ${indexed("h", at + 1)} = tanh(${entire(W.W_xh[unit][read])} + ` +
    `${W.W_hh[unit].map((w, j) => `${bracketed(entire(w))} · ${bracketed(signed(before[j]))}`).join(" + ")} + ` +
    `${bracketed(entire(W.b[unit]))}) = ${signed(state[unit])}`;
  return [
    h("p", {}, "The state of this step: ", h("code", {}, `tanh(W_xh x + W_hh h + b)`),
      `. x picks the column “${VOCABULARY[read]}” of W_xh; the state before is ${past}.`),
    h("pre", { className: "wrap" }, UNITS.map((_, unit) => line(unit)).join("\n")),
  ];
}

const bracketed = (text) => (text.startsWith("−") ? `(${text})` : text);

/** The network as a loop, at this step. */
function loop({ x, before, h: state, y }, at) {
  const told = (values) => `(${values.map((value) => signed(value)).join(", ")})`;
  const read = VOCABULARY[x.indexOf(1)];
  const text = (px, py, content, name = "") => svg("text", { x: px, y: py, class: name }, content);
  return svg("svg", { viewBox: "0 0 270 250", class: "rolled", role: "img",
    "aria-label": `Rolled up: x is ${read}, the state ${told(before)} becomes ${told(state)}, expected is ${VOCABULARY[largest(y)]}` },
    svg("defs", {}, svg("marker", { id: "tip", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
      svg("path", { d: "M0 0 8 4 0 8z", class: "tip" }))),
    svg("rect", { x: 10, y: 90, width: 105, height: 70, rx: 8, class: "box" }),
    text(62, 121, "one set", "middle"), text(62, 139, "of weights", "middle"),
    svg("path", { d: "M62 212V164", class: "arrow" }), svg("path", { d: "M62 90V44", class: "arrow" }),
    svg("path", { d: "M115 107h48a10 10 0 0 1 10 10v16a10 10 0 0 1-10 10h-44", class: "arrow" }),
    text(62, 232, `${indexed("x", at + 1)} = ${read}`, "middle strong"),
    text(62, 32, `${indexed("y", at + 1)}: ${VOCABULARY[largest(y)]} next`, "middle strong"),
    text(124, 97, `${indexed("h", at + 1)} ${told(state)}`, "small"),
    text(124, 163, `${indexed("h", at)} ${told(before)}`, "small"));
}
