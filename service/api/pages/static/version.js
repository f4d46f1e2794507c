// The details of a version: network, training, loss curves, a sample, and its request.

import { get, picture, url } from "./api.js";
import { cells } from "./cells.js";
import { bytes, count, h, number } from "./dom.js";
import { evaluation } from "./evaluation.js";
import { exampleOf } from "./example-request.js";
import { budget, settings } from "./job-words.js";
import { key } from "./key.js";
import { arrangement, simpleModels } from "./model-words.js";
import { copy } from "./saving.js";
import { curl, python } from "./snippets.js";

/** The version's details, most of which are loaded asynchronously; `actions` are the buttons for its file. */
export function about({ model, version, prompt, task, unit }, actions) {
  const element = h("div", { className: "about", "aria-busy": "true" });
  const fail = (error) => element.replaceChildren(h("p", { className: "wrong", role: "alert" }, error.message));
  const records = Boolean(unit) && unit !== "text";
  const example = exampleOf(`${model}@${version}`, prompt ?? "", records ? task : "");
  get(`/models/${model}/versions/${version}`).then((known) => {
    element.replaceChildren(...[
      part("The network", [...arrangement(known.record), ...network(known)], actions),
      part("Training", training(known.record)),
      known.evaluation ? h("section", { className: "wide", "aria-label": "On held-out records" }, h("h3", {}, "On held-out records"), evaluation(known.evaluation)) : null,
      example.sample ? sample(example) : null,
      request(example),
      h("div", { className: "wide pictures" },
        drawn("Loss curves", known.record.evaluations && `/models/${model}/versions/${version}/curves`,
          `Losses of version ${version} of ${model} by characters read`),
        drawn("How far back its gradients reach", known.gradients,
          `Gradient norm k steps back, version ${version} of ${model}`)),
      h("section", { className: "wide cells" }, h("h3", {}, "What its cells follow"), cells(known)),
    ].filter(Boolean));
  }, fail).finally(() => element.setAttribute("aria-busy", "false"));
  return element;
}

const part = (title, facts, ...more) => h("section", {}, h("h3", {}, title), h("dl", {}, ...facts.flatMap(([name, value]) =>
  value === undefined || value === null || value === "" || value === false ? [] : [h("dt", {}, name), h("dd", {}, value)])), ...more);

function network({ config, bytes: size, digest }) {
  return [
    ["Cell", config.cell.toUpperCase()],
    ["Layers", `${config.layers} of ${count(config.hidden_size, "unit")}`],
    ["Embedding", config.embedding_size ? `${number(config.embedding_size)} wide` : "none"],
    ["Vocabulary", `${number(config.vocabulary_size)} distinct tokens`],
    ["File", bytes(size)],
    ["Digest", h("code", { title: digest }, digest.slice(0, 16))],
  ];
}

function training({ corpus, characters, characters_seen: seen, epochs, steps, best_step: best, validation_loss: loss,
  bits_per_character: bits, training: chosen, fidelity, warnings, yardsticks: simple, generated_lines: generated,
  held_out_lines: heldOut, mix }) {
  return [
    ["Text", corpus && h("span", { dir: "auto" }, corpus.name)],
    ["Characters", characters && `${number(characters.training)} for training, ${number(characters.validation)} held out`],
    ["Read", seen && `${count(seen, "character")} in ${count(steps, "step")}, ${number(epochs, 1)} passes over the text`],
    ["Best", best && `after step ${number(best)}`],
    ["Held-out loss", loss && `${number(loss, 4)} nats${bits ? `, ${number(bits, 3)} bits per character` : ""}`],
    ["Simple models", simpleModels(simple)],
    ["Counts of the text", counts(mix)],
    ["Word for word", wordForWord(generated, heldOut)],
    ...requested(chosen),
    ["As served", fidelity && `${fidelity.precision}: ${number(fidelity.difference, 5)} nats from float32`],
    ["Warnings", warnings?.length > 0 && h("ul", { className: "warnings" }, ...warnings.map((each) => h("li", {}, each)))],
  ];
}

/** Whether counts of the text are mixed in, and what they gain on held-out text. */
const counts = (mix) => mix && (mix.is_mixed
  ? `mixed in: ${number(mix.network_loss - mix.loss, 4)} nats less, ${number(100 * mix.share, 0)}% of the probability, ${bytes(mix.bytes)}`
  : `not mixed in: ${mix.reason}`);

/** How many lines of 40 characters or more stand in the text. */
const wordForWord = (generated, heldOut) => [
  generated && `${number(generated.copied)} of ${count(generated.lines, "long generated line")} stand in the text`,
  heldOut && `${number(heldOut.copied)} of ${count(heldOut.lines, "long held-out line")} in the rest of it`,
].filter(Boolean).join("; ");

const requested = ({ budget: limit, ...rest } = {}) => (limit ? [["Budget", budget(limit)], ["Settings", settings(rest)]] : []);

/** A sample with a fixed seed. */
function sample(example) {
  const text = h("p", { className: "sample", dir: "auto", tabIndex: 0, role: "group", "aria-label": "A sample" }, "…");
  example.sample().then(
    (made) => text.replaceChildren(...made),
    (error) => text.replaceChildren(h("span", { className: "wrong" }, error.message)));
  return h("section", {}, h("h3", {}, "A sample"), text);
}

/** The request, for a shell and for Python. */
function request(example) {
  const { path, body, answer } = example;
  const address = location.origin + url(path);
  const boxes = [["curl", curl], ["Python", python]].map(([name, write]) => {
    const text = write(address, body, Boolean(key()), answer);
    const button = h("button", { type: "button", className: "small", "aria-label": `Copy the request for ${name}` }, "Copy");
    button.addEventListener("click", () => copy(text, button));
    return h("div", {}, h("p", { className: "above" }, name, button),
      h("pre", { className: "wrap", tabIndex: 0, role: "group", "aria-label": `The request for ${name}` }, h("code", {}, text)));
  });
  return h("section", { className: example.sample ? "requests" : "requests wide" }, h("h3", {}, "As a request"), ...boxes);
}

/** A picture drawn by the service, if there is one. */
function drawn(title, path, alt) {
  if (!path) return null;
  const section = h("section", {}, h("h3", {}, title));
  picture(`${path}.svg`).then(
    (src) => section.append(h("img", { className: "picture", src, alt })),
    (error) => section.append(h("p", { className: "hint" }, error.message)));
  return section;
}
