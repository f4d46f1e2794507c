// A vanilla recurrent network in plain numbers: the equations of charrnn/cells.py, the loss, and its gradients back
// through time; knows no page.
//
// The weights W are { W_xh, W_hh, W_hy } (matrices as arrays of rows) and { b, b_y }. Every vector is an array.

const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0);
export const times = (matrix, vector) => matrix.map((row) => dot(row, vector));
export const add = (...vectors) => vectors[0].map((_, i) => vectors.reduce((sum, vector) => sum + vector[i], 0));
export const zeros = (n) => Array(n).fill(0);
export const norm = (vector) => Math.hypot(...vector);
export const oneHot = (id, n) => zeros(n).with(id, 1);
export const sigmoid = (a) => (Math.tanh(a / 2) + 1) / 2;

/** The index of the largest value, the lowest on a tie. */
export const largest = (values) => values.indexOf(Math.max(...values));

/** h_t = tanh(W_xh x_t + W_hh h_{t-1} + b) */
export const rnn = (W, x, h) => add(times(W.W_xh, x), times(W.W_hh, h), W.b).map(Math.tanh);

/** y_t = W_hy h_t + b_y */
export const logits = (W, h) => add(times(W.W_hy, h), W.b_y);

/** The probabilities of logits, divided by a temperature above 0 before. */
export function softmax(y, temperature = 1) {
  const powers = y.map((value) => Math.exp((value - Math.max(...y)) / temperature));
  const sum = powers.reduce((a, b) => a + b);
  return powers.map((power) => power / sum);
}

/** All steps along `inputs` (vectors), from the state `before`: of each { x, before, h, y, p }. */
export function forward(W, inputs, before = zeros(W.b.length)) {
  return inputs.map((x) => {
    const h = rnn(W, x, before);
    const y = logits(W, h);
    const step = { x, before, h, y, p: softmax(y) };
    before = h;
    return step;
  });
}

/** The loss of each step, in nats: -log of the target's probability; null where the target is null: it does not
    count. */
export const losses = (steps, targets) =>
  steps.map(({ p }, t) => (targets[t] === null ? null : -Math.log(p[targets[t]])));

/** The mean loss of the steps that count. */
export function loss(steps, targets) {
  const counted = losses(steps, targets).filter((each) => each !== null);
  return counted.reduce((a, b) => a + b, 0) / counted.length;
}

/** Backpropagation through time: the `gradients` of the mean loss with respect to W, in its shape, and with respect to
    each step's state, `by_state` [steps][units]. No gradient goes further back than the first of the steps. */
export function backward(W, steps, targets) {
  const gradients = zerosLike(W);
  const counted = targets.slice(0, steps.length).filter((target) => target !== null).length;
  const byState = [];
  let fromLater = zeros(W.b.length);
  for (let t = steps.length - 1; t >= 0; t--) {
    const { x, before, h, p } = steps[t];
    const byLogits = targets[t] === null ? zeros(p.length) : p.map((each, i) => (each - (i === targets[t])) / counted);
    const byH = add(transposedTimes(W.W_hy, byLogits), fromLater);
    const bySum = byH.map((each, i) => each * (1 - h[i] ** 2)); // the slope of tanh
    addOuter(gradients.W_hy, byLogits, h);
    addOuter(gradients.W_xh, bySum, x);
    addOuter(gradients.W_hh, bySum, before);
    gradients.b_y = add(gradients.b_y, byLogits);
    gradients.b = add(gradients.b, bySum);
    byState[t] = byH;
    fromLater = transposedTimes(W.W_hh, bySum);
  }
  return { gradients, by_state: byState };
}

const transposedTimes = (matrix, vector) =>
  matrix[0].map((_, column) => matrix.reduce((sum, row, i) => sum + row[column] * vector[i], 0));

function addOuter(matrix, left, right) {
  matrix.forEach((row, i) => right.forEach((value, j) => (row[j] += left[i] * value)));
}

/** The same function of every weight: `each` gets its value and, of each of `others`, the one in the same place. */
export function mapped(each, W, ...others) {
  const deep = (value, ...rest) =>
    Array.isArray(value) ? value.map((one, i) => deep(one, ...rest.map((other) => other[i]))) : each(value, ...rest);
  return Object.fromEntries(Object.keys(W).map((name) => [name, deep(W[name], ...others.map((other) => other[name]))]));
}

export const zerosLike = (W) => mapped(() => 0, W);

/** New weights, drawn evenly with a variance of 1 over the number of inputs, as charrnn/initial.py draws them. */
export function drawn({ inputs, units, outputs }, seed) {
  let position = 0;
  const matrix = (rows, columns, counting) =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, () =>
      (2 * uniform(seed, position++) - 1) * Math.sqrt(3 / counting)));
  return { W_xh: matrix(units, inputs, 1), W_hh: matrix(units, units, units), b: zeros(units),
    W_hy: matrix(outputs, units, units), b_y: zeros(outputs) };
}

/** Adam (Kingma, Ba, 2015): `step(W, gradients)` gives the next weights. */
export class Adam {
  #rate;
  #mean = null;
  #square = null;
  #steps = 0;

  constructor(rate) {
    this.#rate = rate;
  }

  step(W, gradients) {
    this.#steps += 1;
    this.#mean = mapped((old, g) => 0.9 * old + 0.1 * g, this.#mean ?? zerosLike(W), gradients);
    this.#square = mapped((old, g) => 0.999 * old + 0.001 * g * g, this.#square ?? zerosLike(W), gradients);
    const [first, second] = [1 - 0.9 ** this.#steps, 1 - 0.999 ** this.#steps];
    return mapped((w, m, v) => w - (this.#rate * (m / first)) / (Math.sqrt(v / second) + 1e-8), W, this.#mean, this.#square);
  }
}

const MASK = (1n << 64n) - 1n;

function mix(z) {
  z = ((z ^ (z >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK;
  z = ((z ^ (z >> 27n)) * 0x94d049bb133111ebn) & MASK;
  return z ^ (z >> 31n);
}

/** The service's random number in [0, 1) of a position: a hash of (seed, position). */
export function uniform(seed, position) {
  const z = (mix(BigInt(seed) & MASK) + BigInt(position + 1) * 0x9e3779b97f4a7c15n) & MASK;
  return Number(mix(z) >> 11n) * 2 ** -53;
}

/** The index that a random number in [0, 1) draws from logits; at temperature 0 the likeliest. */
export function choose(y, temperature, random) {
  if (temperature === 0) return largest(y);
  let left = random;
  const p = softmax(y, temperature);
  const found = p.findIndex((each) => (left -= each) < 0);
  return found < 0 ? p.length - 1 : found;
}

/** A text of ids written by the network alone: it reads `first`, and then what it has chosen itself. Of each step the
    logits `y`, the probabilities `p` at this temperature, and what was `read` and `chosen`. */
export function written(W, first, length, temperature, seed) {
  let [read, state] = [first, undefined];
  return Array.from({ length }, (_, position) => {
    const [{ y, p, h }] = forward(W, [oneHot(read, W.W_xh[0].length)], state);
    const chosen = choose(y, temperature, uniform(seed, position));
    const step = { y, p: temperature ? softmax(y, temperature) : p, read, chosen };
    [read, state] = [chosen, h];
    return step;
  });
}
