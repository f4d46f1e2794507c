// Training on plays, LaTeX and C: what networks wrote from 1 % to 100 % of a training, and what the served one writes now.

import { all, get } from "../api.js";
import { h, number } from "../dom.js";
import { clearError, showError } from "../errors.js";
import { onKey, role } from "../key.js";

const TITLES = { plays: "Plays", latex: "Papers in LaTeX", c: "C code" };
const TEMPERATURE = 0.8;

export async function start(part) {
  const found = (name) => part.querySelector(`[data-${name}]`);
  const [kinds, slider, jobs, error] = ["kinds", "share", "jobs", "now-error"].map(found);
  const trainings = await (await fetch(new URL("./samples.json", import.meta.url))).json();
  let shown = null;

  function draw() {
    const { fraction, characters, loss, held_out: kept, text } = shown.samples[slider.valueAsNumber];
    const share = `${Math.round(100 * fraction)} %`;
    found("place").value = share;
    slider.setAttribute("aria-valuetext", share);
    found("told").textContent = `After ${share} of the training, ${number(characters)} characters read` +
      `${loss == null ? "" : `: a loss of ${loss.toFixed(2)} nats per character on ${kept ? "text that was kept back" : "what it read last"}`}.`;
    found("sample").replaceChildren(h("b", {}, shown.prompt), text);
  }

  function choose(training, about) {
    shown = training;
    slider.max = training.samples.length - 1;
    slider.value = slider.max;
    found("about").textContent = about;
    draw();
  }

  const choosing = (name) => choose(trainings[name], described(trainings[name]));
  kinds.append(...Object.entries(TITLES).map(([name, title], i) => h("label", { className: "check" },
    h("input", { type: "radio", name: "training", checked: i === 0, onchange: () => choosing(name) }), title)));
  slider.addEventListener("input", draw);
  choosing("plays");

  /** The trainings of versions of this service, which only an admin may see. */
  async function offer() {
    jobs.parentElement.hidden = role() !== "admin";
    if (role() !== "admin") return;
    const { items } = await all("/jobs", "jobs", 1);
    jobs.replaceChildren(h("option", { value: "" }, "none"), ...items.filter(({ version }) => version)
      .map(({ id, model, version }) => h("option", { value: id }, `${model}@${version}`)));
  }
  const reported = (action) => async () => {
    clearError(error);
    await action().catch((failed) => showError(error, failed));
  };
  jobs.addEventListener("change", reported(async () => {
    if (!jobs.value) return choosing("plays");
    const job = await get(`/jobs/${jobs.value}`);
    return choose(ofJob(job), `The training of ${job.model}@${job.version}.`);
  }));
  found("now").addEventListener("click", reported(async () => {
    const { prompt } = trainings.plays;
    const { text, model, version } = await get("/generate", { json: { prompt, length: 360, temperature: TEMPERATURE, cache: false } });
    found("written").replaceChildren(h("b", {}, prompt), text);
    found("by").textContent = `${model}@${version}, just now.`;
  }));
  onKey(reported(offer));
  await offer();
}

const described = ({ source, characters, vocabulary, steps, cell, hidden_size: units, segment_length: length, batch_size: rows }) =>
  `${source} ${number(characters)} characters, ${vocabulary} different ones. ${cell.toUpperCase()} of ${units} units, ` +
  `${steps} training steps that read ${rows} × ${length} characters each.`;

/** A job's samples of its first prompt, in the same shape. */
function ofJob({ samples, metrics }) {
  const losses = new Map(metrics.map(({ step, validation_loss: loss }) => [step, loss]));
  const stages = samples.filter(({ step }) => step);
  return {
    prompt: stages[0].samples[0].prompt,
    samples: stages.map(({ step, samples: [{ text }], ...stage }) => ({ ...stage, text, loss: losses.get(step), held_out: true })),
  };
}
