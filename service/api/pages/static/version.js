// What is known of one version: its network, its training, how far back its gradients reach, what its cells follow.

import { bytes, count, h, number } from "./dom.js";
import { picture } from "./api.js";
import { cells } from "./cells.js";

const CELLS = { lstm: "LSTM", gru: "GRU", rnn: "plain RNN" };

/** Everything about the version, some of which comes a little later. */
export function about(version) {
  return h("div", { className: "about" },
    part("The network", network(version)),
    part("Its training", training(version.record)),
    gradients(version),
    h("section", { className: "wide cells" }, h("h3", {}, "What its cells follow"), cells(version)));
}

const part = (title, facts) => h("section", {}, h("h3", {}, title), h("dl", {}, ...facts.flatMap(([name, value]) =>
  value === undefined || value === null || value === "" ? [] : [h("dt", {}, name), h("dd", {}, value)])));

function network({ config, bytes: size, digest }) {
  return [
    ["Cell", CELLS[config.cell] ?? config.cell],
    ["Layers", `${config.layers} of ${count(config.hidden_size, "unit")}`],
    ["Embedding", config.embedding_size ? `${number(config.embedding_size)} wide` : "none"],
    ["Vocabulary", `${number(config.vocabulary_size)} different`],
    ["File", bytes(size)],
    ["Digest", h("code", { title: digest }, digest.slice(0, 16))],
  ];
}

function training({ corpus, characters, characters_seen: seen, epochs, steps, best_step: best, validation_loss: loss,
  bits_per_character: bits, training: chosen, fidelity }) {
  const budget = Object.entries(chosen?.budget ?? {}).map(([unit, value]) => `${number(value, value % 1 ? 1 : 0)} ${unit}`);
  return [
    ["Text", corpus?.name],
    ["Characters", characters && `${number(characters.training)} to learn from, ${number(characters.validation)} held out`],
    ["Read", seen && `${number(seen)} characters in ${count(steps, "step")}, ${number(epochs, 1)} times the text`],
    ["Best", best && `after step ${number(best)}`],
    ["Held-out loss", loss && `${number(loss, 4)} nats, ${number(bits, 3)} bits per character`],
    ["Budget", budget.join()],
    ["Settings", chosen && settings(chosen)],
    ["As served", fidelity && `${fidelity.precision}: ${number(fidelity.difference, 5)} nats away from float32`],
  ];
}

const settings = ({ batch_size: batch, segment_length: segment, learning_rate: rate, dropout, clip, seed }) =>
  `batches of ${batch} × ${segment}, learning rate ${rate}, dropout ${dropout}, clip ${clip}, seed ${seed}`;

/** The chart of the gradient's norm k steps back, where training has measured it. */
function gradients({ model, version, gradients: path }) {
  if (!path) return null;
  const section = h("section", { className: "wide" }, h("h3", {}, "How far back its gradients reach"));
  const alt = `The norm of the gradient k steps back, version ${version} of ${model}`;
  picture(`${path}.svg`).then(
    (src) => section.append(h("img", { className: "picture", src, alt })),
    (error) => section.append(h("p", { className: "hint" }, error.message)));
  return section;
}


