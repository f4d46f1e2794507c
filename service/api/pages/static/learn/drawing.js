// Draws numbers so that eyes, keyboards and screen readers find them: coloured vectors, matrices as tables, SVG.

import { h } from "../dom.js";

const MINUS = "−";
const MOST = 99; // of a number that is typed
const NAMESPACE = "http://www.w3.org/2000/svg";

/** A number with a fixed count of decimals, and a real minus sign; never "−0.00". */
export function signed(value, digits = 2) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? MINUS + text : text;
}

/** A number with all its decimals, at least one. */
export const entire = (value) => signed(value, Math.max(1, String(value).split(".")[1]?.length ?? 0));

/** A name with an index below: `indexed("h", 2)`. */
export const indexed = (name, index) => name + String(index).replace(/\d/g, (digit) => "₀₁₂₃₄₅₆₇₈₉"[digit]);

/** A percentage for readers; a small one is not 0. */
export const percent = (p) => (p > 0 && p < 0.001 ? "< 0.1 %" : `${(100 * p).toFixed(1)} %`);

/** Colour an element by a value: red below zero, blue above, strongest from `full` on. */
export function tint(element, value, full = 1) {
  element.classList.add("tinted");
  element.classList.toggle("below", value < 0);
  element.style.setProperty("--strength", Math.min(1, Math.abs(value) / full).toFixed(3));
  return element;
}

/** A vector as a column of coloured numbers; `names` of its entries are shown, or only read aloud if `quiet`. */
export function vector(values, names, { digits = 2, full = 1, quiet = false } = {}) {
  return h("span", { className: "vector" }, ...values.map((value, i) =>
    tint(h("span", { className: "entry" },
      h("b", { className: quiet ? "visually-hidden" : "" }, `${names[i]} `), signed(value, digits), " "), value, full)));
}

/** A matrix as a table with a caption and headers; `rows` and `columns` name them; `digits` are its numbers' decimals,
    null for all. With `onInput` its numbers can be changed: called with row, column and the new value. */
export function matrix({ name, caption = name, rows, columns, values, onInput, digits = null, full = 2 }) {
  const cell = (value, row, column) => {
    if (!onInput) return tint(h("td", {}, digits === null ? entire(value) : signed(value, digits)), value, full);
    const label = `${name}, ${[rows[row], columns[column]].filter(Boolean).join(", ")}`;
    return h("td", {}, typed(value, label, full, (given) => onInput(row, column, given)));
  };
  return h("table", { className: "matrix" },
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, h("td"), ...columns.map((each) => header("col", each)))),
    h("tbody", {}, ...values.map((row, i) =>
      h("tr", {}, header("row", rows[i]), ...row.map((value, j) => cell(value, i, j))))));
}

/** A field for a number: `tell` is called with each that is one; what is left half typed is replaced by the last that was. */
function typed(value, label, full, tell) {
  const input = h("input", { type: "number", step: "0.1", min: -MOST, max: MOST, value: String(value), "aria-label": label });
  input.addEventListener("input", () => {
    if (!(Math.abs(input.valueAsNumber) <= MOST)) return;
    value = input.valueAsNumber;
    tint(input, value, full);
    tell(value);
  });
  input.addEventListener("change", () => (input.value = String(value)));
  return tint(input, value, full);
}

const header = (scope, name) => (name ? h("th", { scope }, name) : h("td"));

/** Probabilities as a table with bars: pairs of a name and a share of 1. */
export function bars(caption, pairs) {
  const bar = (share) => {
    const element = h("span", { className: "bar-of" });
    element.style.setProperty("--share", share.toFixed(4));
    return element;
  };
  return h("table", { className: "bars" }, h("caption", {}, caption),
    h("tbody", {}, ...pairs.map(([name, share]) => h("tr", {},
      h("th", { scope: "row" }, name), h("td", {}, bar(share)), h("td", { className: "number" }, percent(share))))));
}

/** The path of a line: values from 0 to `highest`, `most` of them from left to right. */
export function curve(values, { most, highest, width, height }) {
  const point = (value, i) => `${((i / most) * width).toFixed(1)} ${(height - (Math.min(value, highest) / highest) * height).toFixed(1)}`;
  return `M${values.map(point).join("L")}`;
}

/** An SVG element with these attributes; `class` as such. */
export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
