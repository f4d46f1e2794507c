// Vanishing and exploding: powers of a scalar, the gradients that this service has measured, and clipping.

import { get, url } from "../api.js";
import { h } from "../dom.js";
import { percent, signed, svg } from "./drawing.js";
import { norm } from "./network.js";

const FURTHEST = 50;
const TOLD = [1, 3, 10, 20, FURTHEST];
const LEFT = [5, 10, 20];
const COLOURS = { rnn: "--chart-2", gru: "--chart-3", lstm: "--accent" };

/** W to the powers 0 to FURTHEST: what the gradient is multiplied by so many steps back. */
export const powers = (W) => Array.from({ length: FURTHEST + 1 }, (_, k) => W ** k);

/** A gradient scaled to a norm of at most `most`, as torch's clip_grad_norm_ does. */
export const clipped = (gradient, most) => gradient.map((each) => each * Math.min(1, most / (norm(gradient) + 1e-6)));

/** A number of any size for readers. */
function sized(value) {
  const size = Math.abs(value);
  if (size === 0 || (size >= 0.001 && size < 10_000)) return signed(value, size < 10 ? 3 : 1);
  const [digits, exponent] = value.toExponential(1).replace("-", "−").split("e");
  const raised = String(Number(exponent.replace("−", "-"))).replace(/[-\d]/g, (each) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(each)]);
  return `${digits} · 10${raised}`;
}

export function start(part) {
  const found = (name) => part.querySelector(`[data-${name}]`);
  scalar(found);
  clipping(found);
}

/** Show the versions that the service chooses, each with what is left of its gradient k steps back. */
export async function ask(part) {
  const found = (name) => part.querySelector(`[data-${name}]`);
  measured(found, await get("/gradients"));
}

function scalar(found) {
  const draw = () => {
    const W = found("scalar").valueAsNumber;
    const all = powers(W);
    const [size, last] = [Math.abs(W), sized(all[FURTHEST])];
    found("scalar-value").value = signed(W);
    found("powers").replaceChildren(
      chart([[all.map(Math.abs), "--accent"]], [-6, 6], `The size of W to the power of k, k from 0 to ${FURTHEST}: at the end ${last}`),
      table("k steps back", TOLD, [["Wᵏ", TOLD.map((k) => sized(all[k]))]]));
    found("power-told").textContent = size === 1 ? "Exactly 1: the gradient stays as large as it is." : size < 1
      ? `Less than 1: ${FURTHEST} steps back ${last} is left. The gradient vanishes.`
      : `More than 1: ${FURTHEST} steps back it is ${last}. The gradient explodes.`;
  };
  found("scalar").addEventListener("input", draw);
  draw();
}

function measured(found, { versions, told, missing }) {
  const rows = versions.map(({ model, version, cell, measured: reaches }) => {
    const norms = reaches.at(-1).norms.at(-1);
    const values = norms.map((each) => each / norms[0]);
    const mark = h("span", { className: "swatch" });
    mark.style.background = `var(${COLOURS[cell]})`;
    return [values, COLOURS[cell], [mark, `${cell.toUpperCase()}: ${model}@${version}`]];
  });
  if (rows.length) found("measured").replaceChildren(
    chart(rows, [-8, 0], `What is left of the gradient. ${versions.map((each) => each.told).join(" ")}`),
    table("left after", LEFT.map((k) => `${k} steps`), rows.map(([values, , name]) =>
      [name, LEFT.map((k) => (k >= values.length ? "–" : values[k] < 0.001 ? sized(values[k]) : percent(values[k])))])));
  const cells = missing.map(({ cell }) => cell.toUpperCase()).join(" and no ");
  found("measured-told").replaceChildren(told, ...(cells && [` This service has no ${cells} trained on the same text yet; the page `,
    h("a", { href: url("/ui/gradients") }, "Gradients"), " says how to train one."]));
}

function clipping(found) {
  const inputs = ["first", "second", "most"].map(found);
  const draw = () => {
    const [x, y, most] = inputs.map((input) => input.valueAsNumber);
    for (const input of inputs) input.nextElementSibling.value = signed(input.valueAsNumber, 1);
    const [size, kept] = [norm([x, y]), clipped([x, y], most)];
    const arrow = ([right, up], name) => svg("path", { d: `M0 0L${16 * right} ${-16 * up}`, class: name });
    found("clip").replaceChildren(svg("svg", { viewBox: "-90 -90 180 180", class: "clipping", "aria-hidden": "true" },
      svg("path", { d: "M-88 0H88M0-88V88", class: "axis" }), svg("circle", { r: most * 16 }),
      arrow([x, y], "given"), arrow(kept, "kept")));
    const pair = (vector) => `(${vector.map((each) => signed(each)).join(", ")})`;
    found("clip-told").textContent = size <= most
      ? `The norm is ${signed(size)}, at most ${signed(most, 1)}: the gradient stays ${pair([x, y])}.`
      : `The norm ${signed(size)} is more than ${signed(most, 1)}: the gradient becomes ${pair(kept)}, shorter and in the same direction.`;
  };
  for (const input of inputs) input.addEventListener("input", draw);
  draw();
}

const table = (title, columns, rows) => h("div", { className: "scroll", tabIndex: 0, role: "group", "aria-label": title }, h("table", {},
  h("thead", {}, h("tr", {}, h("th", { scope: "col" }, title), ...columns.map((each) => h("th", { scope: "col", className: "number" }, each)))),
  h("tbody", {}, ...rows.map(([name, values]) => h("tr", {}, h("th", { scope: "row" }, name),
    ...values.map((each) => h("td", { className: "number" }, each)))))));

/** Lines `[values, colour]` over k on a logarithmic scale from 10^low to 10^high; what is beyond is not drawn. */
function chart(rows, [low, high], label) {
  const longest = Math.max(...rows.map(([values]) => values.length)) - 1;
  const x = (k) => 46 + (k / longest) * 506;
  const y = (exponent) => 8 + ((high - exponent) / (high - low)) * 158;
  const text = (at, down, told) => svg("text", { x: at, y: down }, told);
  return svg("svg", { viewBox: "0 0 560 190", class: "powers", role: "img", "aria-label": label },
    ...[low, (low + high) / 2, high].flatMap((exponent) => [
      svg("path", { d: `M46 ${y(exponent)}H552`, class: "axis" }), text(40, y(exponent) + 4, sized(10 ** exponent).replace(/^1\.0 · |\.0+$/g, ""))]),
    ...[0.5, 1].map((share) => text(x(share * longest), 184, `k = ${share * longest}`)),
    ...rows.map(([values, colour]) => {
      const points = values.map((value, k) => [k, Math.log10(value)]).filter(([, exponent]) => exponent >= low && exponent <= high);
      const line = svg("path", { d: `M${points.map(([k, exponent]) => `${x(k).toFixed(1)} ${y(exponent).toFixed(1)}`).join("L")}`, class: "line" });
      line.style.stroke = `var(${colour})`;
      return line;
    }));
}
