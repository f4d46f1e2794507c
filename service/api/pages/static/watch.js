// Watches one job: shows its events from the first one on, and resumes after a broken connection.

import { events, get, passing } from "./api.js";
import { Chart } from "./charts.js";
import { $, duration, h, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { plan, warn } from "./job-plan.js";
import { ended, status, writesLabels } from "./job-words.js";
import { Timeline } from "./timeline.js";

const AGAIN_MS = 1500;

const loss = new Chart($("loss-chart"), [
  { label: "training", colour: "--accent" }, { label: "held out", colour: "--chart-2", marked: true },
], { height: 250, onScale: (yes) => ($("loss-scale").textContent = yes ? ", on a logarithmic scale" : "") });
const rate = new Chart($("rate-chart"), [{ label: "learning rate", colour: "--chart-3" }], { digits: 3 });
const norm = new Chart($("norm-chart"), [{ label: "norm", colour: "--chart-4" }], { digits: 3 });
const timeline = new Timeline();
let watching = null;
let shown = null;

/** The latest state of the shown job. */
export const watched = () => shown;

/** Show this job until another one is shown; `changed` is called when its status changes. */
export async function watch(id, changed) {
  watching?.abort();
  const mine = (watching = new AbortController());
  begin(id);
  let last = "0";
  while (watching === mine && last !== null) {
    try {
      await show(id);
      last = await follow(id, last, mine.signal, changed);
    } catch (error) {
      if (error.name === "AbortError" || watching !== mine) return;
      showError($("job-error"), error);
      if (!passing(error)) return;
      last = error.last ?? last;
      await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
    }
  }
}

/** Show none. */
export function unwatch() {
  watching?.abort();
  watching = null;
  $("watch").hidden = true;
}

function begin(id) {
  $("watch").hidden = false;
  $("watch").dataset.job = id;
  for (const chart of [loss, rate, norm]) chart.clear();
  timeline.clear();
  heldOut = {};
  clearError($("job-error"));
  $("evaluations").replaceChildren();
  $("facts").replaceChildren();
  $("job-plan").replaceChildren();
  $("job-note").textContent = "";
  warn([]);
}

/** Follow the events after the last one; returns null when the job has ended; an error carries the last event's id. */
async function follow(id, last, signal, changed) {
  try {
    for await (const event of events(`/jobs/${id}/events`, { headers: { "Last-Event-ID": last }, signal })) {
      last = event.id;
      clearError($("job-error"));
      take[event.kind]?.(event.data, id, changed);
    }
  } catch (error) {
    throw Object.assign(error, { last });
  }
  await show(id);
  changed();
  return null;
}

const take = {
  status: (_, id, changed) => {
    show(id).catch(() => {}); // the stream will say what is wrong
    changed();
  },
  metrics: (data) => measure(data),
  evaluation: (data) => {
    measure(data);
    $("evaluations").append(row(data));
  },
  samples: (data) => timeline.add(data),
  warnings: (data) => warn(data.warnings),
};

let heldOut = {};

function measure(data) {
  const { characters } = data;
  if (data.validation_loss !== undefined) heldOut = data;
  loss.add(characters, data.loss, data.gradient_norms ? data.validation_loss : null);
  rate.add(characters, data.learning_rate);
  norm.add(characters, data.gradient_norm);
  state(data);
}

const row = ({ step, characters, loss, validation_loss, bits_per_character }) =>
  h("tr", {}, ...[number(step), number(characters), fixed(loss), fixed(validation_loss), fixed(bits_per_character)]
    .map((text) => h("td", { className: "number" }, text)));

const fixed = (value, digits = 4) => (value === undefined || value === null ? "–" : number(value, digits));

/** Show the current numbers. */
function state(data) {
  const { seconds, seconds_left: left } = data;
  const facts = [
    ["Training loss", fixed(data.loss)],
    [`Held-out loss${heldOut.step ? ` at step ${number(heldOut.step)}` : ""}`, fixed(heldOut.validation_loss)],
    ["Bits per character", fixed(shown && writesLabels(shown) ? null : heldOut.bits_per_character, 3)],
    ["Learning rate", data.learning_rate?.toPrecision(3)],
    ["Gradient norm", data.gradient_norm?.toPrecision(3)],
    ["Characters per second", fixed(data.characters_per_second, 0)],
    ["Characters read", number(data.characters)],
    ["Time spent", duration(seconds)],
  ];
  $("facts").replaceChildren(...facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value ?? "–"))));
  if (left === undefined || left === null) return;
  const share = seconds + left > 0 ? seconds / (seconds + left) : 0;
  $("job-progress").value = share;
  $("job-note").textContent = `${number(100 * share)} % done, ${duration(left)} left`;
}

/** Show the job itself: name, status, request and result. */
async function show(id) {
  const job = await get(`/jobs/${id}`);
  if ($("watch").dataset.job !== id) return;
  shown = job;
  $("watch-title").textContent = job.model ?? job.id;
  [$("job-status").textContent, $("job-status").className] = status(job);
  $("cancel").hidden = ended(job) || job.cancel_requested;
  $("remove").hidden = !ended(job);
  $("clone").hidden = job.model === null;
  timeline.total(job.progress.steps);
  timeline.about(job.request?.task);
  $("job-result").hidden = job.status !== "succeeded" && !job.error;
  $("job-result").replaceChildren(...result(job));
  warn(job.warnings ?? []);
  say(job);
  await plan(job);
}

function say({ status: now, progress }) {
  if (now === "queued") return waiting();
  if (now === "running") {
    if (!progress.seconds) $("job-note").textContent = "Reading the text …";
    return undefined;
  }
  if (now === "succeeded") $("job-progress").value = 1;
  const how = now === "succeeded" ? "Done" : `${number(100 * progress.fraction)} % done when it ended,`;
  $("job-note").textContent = `${how} after ${duration(progress.seconds)} of training.`;
  return undefined;
}

/** While a job is queued, show whether a worker is available. */
async function waiting() {
  $("job-note").textContent = "Training begins when a worker is free.";
  const { degraded } = await get("/readyz");
  const missing = degraded.find((each) => each.startsWith("worker"));
  if (missing && shown?.status === "queued") $("job-note").textContent = `No worker is available: ${missing}.`;
}

function result({ model, version, promoted, error }) {
  if (error) return [h("span", { className: "wrong" }, error)];
  if (version === null) return [];
  const link = h("a", { href: `../#model=${encodeURIComponent(`${model}@${version}`)}` }, "Play with it");
  const serves = promoted ? "It is now current." : "An earlier version stays current: this one is no better on held-out text, or was not to be promoted.";
  return [`Published as version ${version}. ${serves} `, link];
}
