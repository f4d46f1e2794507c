// A text as the model read it: a colour for each character, and what was expected there, for pointer and keyboard.

import { h, number } from "./dom.js";

const NAMES = { "\n": "↵", "\t": "⇥", " ": "␣", "\r": "␍" };
const STRONGEST = 0.62;
const MOST_BITS = 8;

/** How a character is written where it has to be seen. */
const visible = (token) => NAMES[token] ?? token;

/** The text's characters as elements, each with its place in the trace. */
export function characters(trace, shade) {
  return trace.tokens.map((token, place) => {
    const element = h("i", {}, token);
    element.dataset.place = place;
    const colour = shade(place);
    if (colour) element.style.backgroundColor = colour;
    return element;
  });
}

/** No colour at all. */
export const plain = () => "";

/** The more surprising a character, the stronger. */
export const bySurprise = (trace) => (place) => {
  const bits = trace.surprisal[place];
  return bits === null ? "" : ink("--surprise", Math.min(1, bits / MOST_BITS));
};

/** Red below zero, blue above, as strong as the value is far from it; a cell's state may be large, so it is bent. */
export const byCell = ({ values, part }) => (place) => {
  const value = part === "cell" ? Math.tanh(values[place]) : values[place];
  return ink(value < 0 ? "--negative" : "--positive", Math.min(1, Math.abs(value)));
};

const ink = (name, strength) =>
  strength < 0.02 ? "" : `rgb(var(${name}) / ${(strength * STRONGEST).toFixed(3)})`;

/** What there is to say about one place: what was expected there, what stands there, what is likely to follow. */
export function describe(trace, place) {
  const bits = trace.surprisal[place];
  const values = trace.cells.map((cell) => `the cell at ${number(cell.values[place], 2)}`);
  const said = [bits === null ? "the first token" : `${number(bits, 2)} bits of surprisal`, ...values].join(", ");
  const token = visible(trace.tokens[place]);
  return [
    list(place ? ["Expected at ", h("code", {}, token), ` — ${said}`] : ["At ", h("code", {}, token), ` — ${said}`],
      place ? trace.top[place - 1] : [], trace.tokens[place]),
    list(["Likely after ", h("code", {}, token)], trace.top[place], trace.tokens[place + 1]),
  ];
}

function list(title, top, there) {
  const rows = top.map(({ token, probability }) =>
    h("li", { className: token === there ? "there" : "" },
      h("code", { dir: "auto" }, visible(token)),
      h("meter", { value: probability, max: 1, "aria-hidden": "true" }),
      h("output", {}, `${number(100 * probability, 1)} %`)));
  return h("div", {}, h("h3", {}, ...title), h("ol", {}, ...rows));
}

/** Where a key leads from a place: the arrows, and to the beginning and the end. */
export function move(elements, place, key) {
  const last = elements.length - 1;
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key === "ArrowLeft") return Math.max(0, place - 1);
  if (key === "ArrowRight") return Math.min(last, place + 1);
  return lineFrom(elements, place, key === "ArrowUp" ? -1 : 1);
}

/** The character above or below, or the nearest one to it. */
function lineFrom(elements, place, step) {
  const { offsetTop: top, offsetLeft: left } = elements[place];
  let found = place;
  let line = null;
  for (let at = place + step; at >= 0 && at < elements.length; at += step) {
    if (elements[at].offsetTop === top) continue;
    line ??= elements[at].offsetTop;
    if (elements[at].offsetTop !== line) break;
    const distance = (each) => Math.abs(elements[each].offsetLeft - left);
    if (found === place || distance(at) < distance(found)) found = at;
  }
  return found;
}
