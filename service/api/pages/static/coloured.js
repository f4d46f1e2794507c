// A traced text: a colour for each character, and what was expected there, for pointer and keyboard.

import { h, number } from "./dom.js";

const NAMES = { "": "end", "\n": "↵", "\t": "⇥", " ": "␣", "\r": "␍" };
const STRONGEST = 0.62;
const MOST_BITS = 8;

/** A visible form of a character. */
export const visible = (token) => NAMES[token] ?? token;

/** The text's tokens as elements, each with its index in the trace. */
export function characters(trace, shade) {
  return trace.tokens.map((token, index) => {
    const element = h("i", {}, token);
    element.dataset.index = index;
    const colour = shade(index);
    if (colour) element.style.backgroundColor = colour;
    return element;
  });
}

/** No colour. */
export const plain = () => "";

/** A stronger colour for a more surprising character. */
export const bySurprise = (trace) => (index) => {
  const bits = trace.surprisal[index];
  return bits === null ? "" : ink("--surprise", Math.min(1, bits / MOST_BITS));
};

/** Red below zero, blue above, stronger for larger values; a cell state can be large, so it is squashed. */
export const byCell = ({ values, part }) => (index) => {
  const value = part === "cell" ? Math.tanh(values[index]) : values[index];
  return ink(value < 0 ? "--negative" : "--positive", Math.min(1, Math.abs(value)));
};

const ink = (name, strength) =>
  strength < 0.02 ? "" : `rgb(var(${name}) / ${(strength * STRONGEST).toFixed(3)})`;

const LABELLED = { classify: "Likely labels after ", tag: "Likely tags of " };

/** Whether a model of this task says labels rather than tokens. */
export const labelled = (task) => task in LABELLED;

/** The details of one token: its values, and what was expected there and is likely to follow; or its likely labels. */
export function describe(trace, index, task) {
  const bits = trace.surprisal[index];
  const values = trace.cells.map((cell) => `the cell at ${number(cell.values[index], 2)}`);
  const token = h("code", {}, visible(trace.tokens[index]));
  if (labelled(task)) {
    const found = list([LABELLED[task], token, values.length ? ` — ${values.join(", ")}` : ""], trace.top[index]);
    found.className = "labelled";
    return [found];
  }
  const details = [bits === null ? "the first token" : `${number(bits, 2)} bits of surprisal`, ...values].join(", ");
  return [
    list([index ? "Expected at " : "At ", token, ` — ${details}`], index ? trace.top[index - 1] : [], trace.tokens[index]),
    list(["Likely after ", token.cloneNode(true)], trace.top[index], trace.tokens[index + 1]),
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

/** How many UTF-16 units the text has up to the end of a token; the trace leaves out what the model does not know. */
export const lengthTo = (tokens, index, text) =>
  tokens.slice(0, index + 1).reduce((length, token) => Math.max(length, text.indexOf(token, length) + token.length), 0);

export const KEYS = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"]);

/** The index to which one of these keys leads. */
export function move(elements, index, key) {
  const last = elements.length - 1;
  if (key === "Home") return 0;
  if (key === "End") return last;
  if (key === "ArrowLeft") return Math.max(0, index - 1);
  if (key === "ArrowRight") return Math.min(last, index + 1);
  return lineFrom(elements, index, key === "ArrowUp" ? -1 : 1);
}

/** The character above or below, or the nearest one to it. */
function lineFrom(elements, index, step) {
  const { offsetTop: top, offsetLeft: left } = elements[index];
  let found = index;
  let line = null;
  for (let at = index + step; at >= 0 && at < elements.length; at += step) {
    if (elements[at].offsetTop === top) continue;
    line ??= elements[at].offsetTop;
    if (elements[at].offsetTop !== line) break;
    const distance = (each) => Math.abs(elements[each].offsetLeft - left);
    if (found === index || distance(at) < distance(found)) found = at;
  }
  return found;
}
