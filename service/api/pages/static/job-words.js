// A training job in words: what is becoming of it, how long it may take, what it trains.

import { count, number } from "./dom.js";

const SAID = { queued: "waiting for a worker" };
const TAGS = { running: "live", succeeded: "good", failed: "bad" };

/** Whether nothing will change any more. */
export const ended = ({ status }) => ["succeeded", "failed", "cancelled"].includes(status);

/** Its status, and the class of the tag that shows it. */
export function status(job) {
  const said = job.cancel_requested && !ended(job) ? "being cancelled" : (SAID[job.status] ?? job.status);
  return [said, `tag ${TAGS[job.status] ?? ""}`];
}

/** `{minutes: 5}` as "5 minutes". */
export const budget = (given) =>
  Object.entries(given).filter(([, amount]) => amount !== null)
    .map(([unit, amount]) => (amount === 1 ? `1 ${unit.slice(0, -1)}` : `${number(amount, amount % 1 ? 1 : 0)} ${unit}`)).join();

/** The network and the settings that the trainer decided on; nothing before it has begun. */
export function decided({ cell, layers, hidden_size: units, embedding_size: embedding, ...rest }) {
  if (!cell) return [];
  return [
    ["Network", `${cell.toUpperCase()}, ${count(layers, "layer")} of ${count(units, "unit")}` +
      (embedding ? `, embedding ${number(embedding)} wide` : "")],
    ["Settings", settings(rest)],
  ];
}

/** Settings of a training in words, by their own names. */
export const settings = (given) =>
  Object.entries(given).filter(([, value]) => value !== null)
    .map(([name, value]) => `${name.replaceAll("_", " ")} ${typeof value === "number" ? Number(value.toPrecision(3)) : value}`)
    .join(", ");
