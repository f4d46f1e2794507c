// Converts the form to the body of POST /generate.

import { unescape } from "./escapes.js";

/** The request's body; fields with the service's default are omitted. */
export function read(form) {
  const { model, version, prompt, seed, stop, unknown } = form.elements;
  const body = { model: model.value + (version.value && `@${version.value}`), prompt: prompt.value };
  for (const field of form.querySelectorAll("[data-default]")) Object.assign(body, numeric(field));
  if (seed.value.trim()) body.seed = whole(seed.value.trim());
  const stops = stop.value.split("\n").filter(Boolean).map(unescape);
  if (stops.length) body.stop = stops;
  if (unknown.checked) body.unknown = unknown.value;
  return body;
}

const numeric = ({ name, value, dataset }) =>
  (value === "" || Number(value) === Number(dataset.default) ? {} : { [name]: Number(value) });

/** A number if it can be represented exactly; else the text itself, which the service rejects with a message. */
function whole(text) {
  return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

/** Throws for a seed that the service accepts but that is not exact in a browser. */
export function checkSeed({ seed }) {
  if (typeof seed !== "string" || !/^-?\d+$/.test(seed)) return;
  const most = Number.MAX_SAFE_INTEGER;
  throw Object.assign(new RangeError(`seed must be between -${most} and ${most} on this page, not ${seed}`), { param: "seed" });
}
