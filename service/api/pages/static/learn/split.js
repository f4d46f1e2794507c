// W, whole and split: one matrix on [h; x], its two halves, and from h to y to probabilities.

import { h } from "../dom.js";
import { bars, entire, matrix, signed } from "./drawing.js";
import { add, sigmoid, softmax, times } from "./network.js";

const OF_H = ["h₁", "h₂"];
const OF_X = ["x₁", "x₂", "x₃"];
const BOTH = [...OF_H, ...OF_X];
const CLASSES = ["A", "B", "C", "D"];
const DIGITS = 4;

export function start(part) {
  const [whole, halves, terms, same, classes, output, probable] =
    ["whole", "halves", "terms", "same", "classes", "output", "probable"].map((name) => part.querySelector(`[data-${name}]`));
  const W = [[0.5, -0.3, 0.9, 0.2, -0.6], [-0.4, 0.8, 0.1, -0.7, 0.3]];
  const together = [0.6, -0.2, 1, 0.5, -1];
  const W_hy = [[1.2, -0.8], [-0.5, 1.5], [0.3, 0.7], [-1.1, -0.4]];
  let state = [];

  const sum = h("div");
  const answer = h("div", { className: "product" });
  const rows = () => W_hy.slice(0, classes.value === "2" ? 1 : Number(classes.value));

  function draw() {
    const [upper, lower] = [together.slice(0, OF_H.length), together.slice(OF_H.length)];
    const [W_hh, W_xh] = [W.map((row) => row.slice(0, OF_H.length)), W.map((row) => row.slice(OF_H.length))];
    const one = times(W, together);
    const two = [times(W_hh, upper), times(W_xh, lower)];
    state = one.map(Math.tanh);
    sum.replaceChildren(column("W [h; x]", ["1", "2"], one));
    halves.replaceChildren(
      term(halved(matrix({ name: "W_hh", rows: ["1", "2"], columns: OF_H, values: W_hh })), "·", halved(column("h", OF_H, upper, null))),
      term("+", halved(matrix({ name: "W_xh", rows: ["1", "2"], columns: OF_X, values: W_xh })), "·", halved(column("x", OF_X, lower, null))),
      term("=", column("W_hh h", ["1", "2"], two[0])), term("+", column("W_xh x", ["1", "2"], two[1])),
      term("=", column("the sum", ["1", "2"], add(...two))));
    terms.textContent = W.map((row, i) => `row ${i + 1}   ${written(row, together)} = ${signed(one[i], DIGITS)}`).join("\n");
    same.textContent = `Whole ${told(one)}, split ${told(add(...two))}. With a bias of 0, the new state is tanh of it: ${told(state)}.`;
    conclude();
  }

  function conclude() {
    const y = times(rows(), state);
    const isOne = y.length === 1;
    const p = isOne ? [sigmoid(y[0]), 1 - sigmoid(y[0])] : softmax(y);
    answer.replaceChildren(term("=", column("y", isOne ? [""] : CLASSES, y)), term("→",
      bars(isOne ? "sigmoid(y) and 1 − sigmoid(y)" : "softmax(y)", p.map((each, i) => [CLASSES[i], each]))));
    probable.textContent = `A: ${signed(p[0], DIGITS)}. ` + (isOne
      ? `The code takes softmax of 0 and y, which gives y the same: ${signed(softmax([0, y[0]])[1], DIGITS)}.`
      : `The sum of all ${y.length}: ${signed(p.reduce((a, b) => a + b), DIGITS)}.`);
  }

  function offer() {
    const values = rows();
    output.replaceChildren(
      term(matrix({ name: "W_hy", rows: values.length === 1 ? ["y"] : CLASSES, columns: OF_H, values, onInput: (i, j, value) => {
        W_hy[i][j] = value;
        conclude();
      } }), "· new state"), answer);
    conclude();
  }

  const set = (target) => (row, columnOf, value) => {
    if (Array.isArray(target[row])) target[row][columnOf] = value;
    else target[row] = value;
    draw();
  };
  whole.replaceChildren(
    term(halved(matrix({ name: "W", rows: ["1", "2"], columns: BOTH, values: W, onInput: set(W) }))),
    term("·", halved(matrix({ name: "[h; x]", rows: BOTH, columns: [""], values: together.map((each) => [each]), onInput: set(together) }))),
    term("=", sum));
  classes.addEventListener("change", offer);
  draw();
  offer();
}

/** What stays in one line: matrices and the signs between them. A line is broken before a sign, never after it. */
const term = (...parts) => h("span", { className: "term" },
  ...parts.map((each) => (typeof each === "string" ? h("span", { className: "sign" }, each) : each)));
const told = (values) => `(${values.map((value) => signed(value, DIGITS)).join(", ")})`;
const column = (name, rows, values, digits = DIGITS) =>
  matrix({ name, rows, columns: [""], values: values.map((each) => [each]), digits });

/** A row of the product with all its terms, a bar where W is cut. */
const written = (row, values) => row.map((w, j) =>
  `${j === 0 ? "" : j === OF_H.length ? "  |  " : " + "}${bracketed(w)}·${bracketed(values[j])}`).join("");
const bracketed = (value) => (value < 0 ? `(${entire(value)})` : entire(value));

/** The table with its headers marked by what they belong to, h or x. */
function halved(table) {
  for (const header of table.querySelectorAll("th")) {
    if (BOTH.includes(header.textContent)) header.classList.add(OF_H.includes(header.textContent) ? "of-h" : "of-x");
  }
  return table;
}
