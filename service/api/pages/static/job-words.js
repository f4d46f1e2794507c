// Describes a training job in words: status, budget, network and settings.

import { count, number } from "./dom.js";

const LABELS = { queued: "waiting for a worker" };
const TAGS = { running: "live", succeeded: "good", failed: "bad" };

/** Whether the job has ended. */
export const ended = ({ status }) => ["succeeded", "failed", "cancelled"].includes(status);

/** Its status in words, and the class of the tag that shows it. */
export function status(job) {
  const text = job.cancel_requested && !ended(job) ? "being cancelled" : (LABELS[job.status] ?? job.status);
  return [text, `tag ${TAGS[job.status] ?? ""}`];
}

/** Whether the job's network writes labels, so that it has neither samples nor bits per character. */
export const writesLabels = ({ request }) => ["classify", "tag"].includes(request?.task);

/** `{minutes: 5}` as "5 minutes". */
export const budget = (given) =>
  Object.entries(given).filter(([, amount]) => amount !== null)
    .map(([unit, amount]) => (amount === 1 ? `1 ${unit.slice(0, -1)}` : `${number(amount, amount % 1 ? 1 : 0)} ${unit}`)).join();

/** The network and the settings of the plan; empty before the job has begun. */
export function decided({ cell, layers, hidden_size: units, embedding_size: embedding, ...rest }) {
  if (!cell) return [];
  return [
    ["Network", `${cell.toUpperCase()}, ${count(layers, "layer")} of ${count(units, "unit")}` +
      (embedding ? `, embedding ${number(embedding)} wide` : "")],
    ["Settings", settings(rest)],
  ];
}

/** Settings in words, by their names. */
export const settings = (given) =>
  Object.entries(given).filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${typeof value === "number" ? Number(value.toPrecision(3)) : value}`)
    .join(", ");
