// Truncated backpropagation through time: a text in segments, the state carried, gradients that stop at each border.

import { signed, tint, vector } from "./drawing.js";
import { h } from "../dom.js";
import { backward, forward, loss, losses, norm, oneHot } from "./network.js";
import { stepping } from "./stepping.js";
import { renew, unrolled } from "./unrolled.js";

const VOCABULARY = [..."helo "];
const TEXT = [..."hello hello hello "];
const IDS = TEXT.map((character) => VOCABULARY.indexOf(character));
const INPUTS = IDS.map((id) => oneHot(id, VOCABULARY.length));
const TARGETS = [...IDS.slice(1), IDS[0]];
const UNITS = ["unit 1", "unit 2"];
/** Trained on this text for a while, then rounded. */
export const W = {
  W_xh: [[-0.3, -0.7, 1, 2.7, -1.2], [3.1, -0.2, 1.3, -0.3, -1.4]],
  W_hh: [[-0.9, 1], [-2.3, -0.9]],
  b: [-0.4, -1.1],
  W_hy: [[-3.7, -2.8], [-0.7, 3.4], [-0.9, -0.5], [2.2, 2.9], [2, -0.9]],
  b_y: [-1.7, -0.6, 1.4, -0.7, -1.1],
};

export function start(part) {
  const at = (name) => part.querySelector(`[data-${name}]`);
  let [length, segment, go] = [at("length").valueAsNumber, 0, null];

  function draw() {
    const found = computed(length, segment, at("carry").checked, at("through").checked);
    at("long").textContent = String(length);
    renew(at("text"), table(found, length, segment));
    at("segment").textContent = about(found, length, segment, at("carry").checked);
    at("compared").textContent = compared(found, at("carry").checked);
  }

  at("carry").addEventListener("change", () => {
    at("through").disabled = !at("carry").checked;
    draw();
  });
  at("through").addEventListener("change", draw);
  at("length").addEventListener("input", () => {
    const first = segment * length;
    length = at("length").valueAsNumber;
    go(Math.floor(first / length));
  });
  stepping(at("figure"), at("text"), () => Math.ceil(TEXT.length / length), (place, lead) => {
    [segment, go] = [place, lead];
    draw();
  });
}

/** All steps, and the gradients of the segment's mean loss: those that stop at its border, those through the whole past,
    and the norms of the chosen ones with respect to each state, 0 where none arrives. */
function computed(length, segment, isCarried, isThrough) {
  const [begin, end] = [segment * length, Math.min(TEXT.length, (segment + 1) * length)];
  const steps = isCarried ? forward(W, INPUTS) : cut(INPUTS, length).flatMap((inputs) => forward(W, inputs));
  const targets = TARGETS.map((target, t) => (t >= begin && t < end ? target : null));
  const stopped = backward(W, steps.slice(begin, end), targets.slice(begin, end));
  const whole = backward(W, steps.slice(0, end), targets);
  const passes = isCarried && isThrough;
  const norms = steps.map((_, t) => norm((passes ? whole : stopped).by_state[passes ? t : t - begin] ?? [0]));
  return { begin, end, steps, stopped, whole, norms, loss: loss(steps, targets), losses: losses(steps, targets) };
}

const cut = (values, length) =>
  Array.from({ length: Math.ceil(values.length / length) }, (_, i) => values.slice(i * length, (i + 1) * length));
const visible = (character) => (character === " " ? "␣" : character);
const letter = (character) => h("b", { className: "letter" }, visible(character));

function table({ steps, losses: each, norms, begin, end }, length, segment) {
  const highest = Math.max(...norms);
  return unrolled({
    caption: "The text in segments, with states, losses and gradients", titles: TEXT.map((_, t) => String(t + 1)),
    groups: cut(TEXT, length).map((characters, i) => ({ span: characters.length, className: i === segment ? "now border" : "border",
      title: i === segment && length > 2 ? `segment ${i + 1}` : String(i + 1) })),
    mark: (t) => [t >= begin && t < end ? "now" : "", t % length === 0 ? "border" : ""].join(" ").trim(),
    rows: [
      { title: "reads", cells: TEXT.map(letter) },
      { title: "target", cells: TARGETS.map((id) => letter(VOCABULARY[id])) },
      { title: "h", cells: steps.map(({ h: state }) => vector(state, UNITS, { digits: 1, quiet: true })) },
      { title: "loss", cells: each.map((value) => (value === null ? "–" : signed(value))) },
      { title: "gradient", cells: norms.map((value) =>
        tint(h("span", { className: "entry" }, value ? signed(value, 3).replace(/^0/, "") : "0"), value, highest)) },
    ],
  });
}

function about({ begin, end, steps, loss: mean }, length, segment, isCarried) {
  const told = `(${steps[begin].before.map((value) => signed(value)).join(", ")})`;
  const state = segment === 0 ? "The state before it is zero, as nothing was read yet."
    : isCarried ? `The state comes in from the segment before: ${told}.` : "The state begins at zero again: what was read before is lost.";
  return `Segment ${segment + 1} of ${Math.ceil(TEXT.length / length)}, “${TEXT.slice(begin, end).map(visible).join("")}”. ` +
    `Its mean loss is ${signed(mean, 4)}. ${state}`;
}

function compared({ stopped, whole, begin }, isCarried) {
  const [short, long] = [stopped, whole].map(({ gradients }) => norm(gradients.W_hh.flat()));
  if (begin === 0 || !isCarried) return `The gradient of W_hh has the norm ${signed(short, 4)}.`;
  return `The gradient of W_hh has the norm ${signed(short, 4)} if it stops at the border, ${signed(long, 4)} through the whole past.`;
}
