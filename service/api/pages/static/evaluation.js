// How good a version is on held-out records: its figures and, of labels, which were taken for which.

import { get } from "./api.js";
import { count, h, number } from "./dom.js";

const MOST_CONFUSED = 3;
const STRONGEST = 0.55;

/** What was measured at the end of a version's training, which the service tells at this path. */
export function evaluation(path) {
  const element = h("div", {}, h("p", { className: "hint" }, "…"));
  get(path).then(
    (found) => element.replaceChildren(figures(found), ...(found.confusion ? confusion(found) : [])),
    (error) => element.replaceChildren(h("p", { className: "hint" }, error.message)));
  return element;
}

function figures({ records, held_out: all, compared, accuracy, macro_f1: f1, exact_match: exact, loss, bits_per_character: bits }) {
  const measured = records < all ? `${number(records)} of the ${count(all, "record")} held out` : `${count(records, "record")} held out`;
  const facts = [
    ["Measured on", measured + (compared && compared !== records ? `, ${count(compared, "tag")}` : "")],
    ["Accuracy", share(accuracy)],
    ["Macro F1", share(f1)],
    ["Exactly right", share(exact)],
    ["Loss", loss === undefined ? null : `${number(loss, 4)} nats per token, ${number(bits, 3)} bits per character`],
  ];
  return h("dl", {}, ...facts.flatMap(([name, value]) => (value ? [h("dt", {}, name), h("dd", {}, value)] : [])));
}

const share = (value) => (value === undefined || value === null ? null : `${number(100 * value, 2)} %`);

/** The matrix as a table, with the shares of each row and column that are right. */
function confusion({ labels, confusion: matrix, task }) {
  const given = labels.map((_, column) => sum(matrix.map((row) => row[column])));
  const kind = task === "tag" ? "tag" : "label";
  const head = h("tr", {}, h("th", { scope: "col", className: "corner" }, "Right ↓ given →"),
    ...labels.map((label) => h("th", { scope: "col", className: "upright", title: label }, h("span", { dir: "auto" }, label))),
    h("th", { scope: "col", className: "upright" }, h("span", {}, "found")));
  const rows = matrix.map((row, index) => h("tr", {}, h("th", { scope: "row", dir: "auto", title: labels[index] }, labels[index]),
    ...row.map((n, column) => cell(n, sum(row), index === column)), part(row[index], sum(row))));
  const last = h("tr", {}, h("th", { scope: "row" }, "right when given"),
    ...labels.map((_, index) => part(matrix[index][index], given[index])), h("td"));
  const table = h("table", { className: "confusion" },
    h("caption", {}, `Rows: the right ${kind}. Columns: the ${kind} given.`),
    h("thead", {}, head), h("tbody", {}, ...rows), h("tfoot", {}, last));
  return [h("div", { className: "scroll matrix", tabIndex: 0, role: "group", "aria-label": "Confusion matrix" }, table), confused(labels, matrix)];
}

const sum = (numbers) => numbers.reduce((all, each) => all + each, 0);

/** A count, on a colour that is stronger the larger its share of the row. */
function cell(n, row, right) {
  const element = h("td", { className: n ? "number" : "number none" }, number(n));
  if (n) element.style.backgroundColor = `rgb(var(${right ? "--positive" : "--negative"}) / ${(STRONGEST * (n / row)).toFixed(3)})`;
  return element;
}

const part = (right, all) => h("td", { className: "number part" }, all ? `${number((100 * right) / all)} %` : "–");

/** The labels that are confused most often, in words. */
function confused(labels, matrix) {
  const pairs = matrix.flatMap((row, right) => row.map((n, given) => ({ right, given, n })))
    .filter(({ right, given, n }) => n && right !== given).toSorted((one, other) => other.n - one.n).slice(0, MOST_CONFUSED);
  const words = pairs.map(({ right, given, n }) => `${labels[right]} for ${labels[given]} (${number(n)})`);
  return h("p", { className: "hint" }, words.length ? `Most often taken for another: ${words.join(", ")}.` : "None was taken for another.");
}
