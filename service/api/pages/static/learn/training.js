// Training on plays, LaTeX and C: what networks wrote from 1 % to 100 % of a training, and what the served one writes now.

import { all, get, toError } from "../api.js";
import { h, number } from "../dom.js";
import { onKey, role } from "../key.js";
import { latest } from "./latest.js";

const TITLES = { plays: "Plays", latex: "Papers in LaTeX", c: "C code" };
const TEMPERATURE = 0.8;
const LENGTH = 360;

export async function ask(part) {
  const found = (name) => part.querySelector(`[data-${name}]`);
  const [kinds, slider, jobs] = ["kinds", "share", "jobs"].map(found);
  const trainings = await kept();
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

  /** Show the chosen training: of a version of this service, if there is one, or of a text. */
  const look = latest(found("jobs-error"), async () => {
    const job = jobs.value && await get(`/jobs/${jobs.value}`);
    if (job) return () => choose(ofJob(job), `The training of ${job.model}@${job.version}.`);
    const training = trainings[kinds.querySelector(":checked").value];
    return () => choose(training, described(training));
  });

  /** Offer the trainings of versions of this service, which only an admin may see. */
  const offer = latest(found("jobs-error"), async () => {
    const { items } = role() === "admin" ? await all("/jobs", "jobs", 1) : { items: [] };
    const made = items.filter(({ version }) => version);
    return () => {
      jobs.parentElement.hidden = !made.length;
      jobs.replaceChildren(h("option", { value: "" }, "none"),
        ...made.map(({ id, model, version }) => h("option", { value: id }, `${model}@${version}`)));
      return look();
    };
  });

  kinds.append(...Object.entries(TITLES).map(([value, title], i) => h("label", { className: "check" },
    h("input", { type: "radio", name: "training", value, checked: i === 0 }), title)));
  kinds.addEventListener("change", () => {
    jobs.value = "";
    look();
  });
  slider.addEventListener("input", draw);
  jobs.addEventListener("change", look);
  found("now").addEventListener("click", latest(found("now-error"), async () => {
    const { text, model, version } = await get("/generate", { json: { length: LENGTH, temperature: TEMPERATURE, cache: false } });
    return () => {
      found("written").textContent = text;
      found("by").textContent = `${model}@${version}, just now.`;
    };
  }));
  onKey(offer);
  await look();
  await offer();
}

/** The trainings that were kept, by name. */
async function kept() {
  const reply = await fetch(new URL("./samples.json", import.meta.url));
  if (!reply.ok) throw toError(reply.status, await reply.text());
  return reply.json();
}

const described = ({ source, characters, vocabulary, steps, cell, hidden_size: units, segment_length: length, batch_size: rows }) =>
  `${source} ${number(characters)} characters, ${vocabulary} different ones. ${cell.toUpperCase()} of ${units} units, ` +
  `${steps} training steps that read ${rows} × ${length} characters each.`;

/** A job's samples of its first prompt, in the same shape. */
function ofJob({ samples, metrics }) {
  const losses = new Map(metrics.map(({ step, validation_loss: loss }) => [step, loss]));
  const stages = samples.filter(({ step }) => step);
  if (!stages.length) throw new Error("No samples of this training were kept.");
  return {
    prompt: stages[0].samples[0].prompt,
    samples: stages.map(({ step, samples: [{ text }], ...stage }) => ({ ...stage, text, loss: losses.get(step), held_out: true })),
  };
}
