// Converts the form to the body of a request; controls that are not shown are left out.

import { unescape } from "./escapes.js";
import { heldCells } from "./held-cell.js";
import { patternIn, readPattern } from "./pattern.js";

/** Whether a control is in the view that is shown. */
export const isShown = (control) => control.closest("[data-views][hidden]") === null;

/** The body of POST /generate; fields with the service's default are omitted. */
export function read(form) {
  const stops = stopsIn(form);
  const held = heldCells();
  return { ...sampled(form), ...readPattern(), ...(stops.length ? { stop: stops } : {}), ...(held.length ? { set: held } : {}), ...skipping(form) };
}

/** What is asked for after these requests: the length, a pattern from its beginning, and what is otherwise in the form than
    it was in them. */
export function readOnward(form, steps) {
  const before = Object.assign({}, ...steps);
  const step = readPattern();
  if (!Object.keys(step).length && Object.keys(patternIn(steps)).length) step.regex = null; // it need not fit anything
  for (const field of form.querySelectorAll("[data-default]")) {
    const { name, value, dataset } = field;
    const asked = Number(value || dataset.default);
    if (name === "length" || (name !== "n" && isShown(field) && asked !== (before[name] ?? Number(dataset.default)))) step[name] = asked;
  }
  const stops = stopsIn(form);
  if (stops.join("\n") !== (before.stop ?? []).join("\n")) step.stop = stops;
  const held = heldCells();
  if (JSON.stringify(held) !== JSON.stringify(before.set ?? [])) step.set = held;
  const seed = whole(form.elements.seed.value.trim());
  if (seed !== "" && seed !== before.seed) step.seed = seed;
  return { ...step, ...skipping(form) };
}

/** The body of POST /records. */
export function readRecords(form) {
  const { count, label, unique, novel } = form.elements;
  const body = { ...sampled(form), ...readPattern(), count: Number(count.value) };
  if (label.value) body.label = label.value;
  for (const { name, checked } of [unique, novel]) if (checked) body[name] = true;
  return { ...body, ...skipping(form) };
}

/** The stop texts. */
export const stopsIn = ({ elements: { stop } }) => stop.value.split("\n").filter(Boolean).map(unescape);

/** Model, prompt, sampling parameters and seed. */
function sampled(form) {
  const { prompt, seed } = form.elements;
  const body = { model: reference(form), prompt: prompt.value };
  for (const field of form.querySelectorAll("[data-default]")) if (isShown(field)) Object.assign(body, numeric(field));
  if (seed.value.trim()) body.seed = whole(seed.value.trim());
  return body;
}

/** The chosen model, with the version or alias if one was chosen. */
export const reference = ({ elements: { model, version } }) => model.value + (version.value && `@${version.value}`);

export const skipping = ({ elements: { unknown } }) => (unknown.checked ? { unknown: unknown.value } : {});

export const numeric = ({ name, value, dataset }) =>
  (value === "" || Number(value) === Number(dataset.default) ? {} : { [name]: Number(value) });

/** A number if it can be represented exactly; else the text itself, which the service rejects with a message. */
export function whole(text) {
  return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

/** Throws for a seed that the service accepts but that is not exact in a browser. */
export function checkSeed({ seed }) {
  if (typeof seed !== "string" || !/^-?\d+$/.test(seed)) return;
  const most = Number.MAX_SAFE_INTEGER;
  throw Object.assign(new RangeError(`seed must be between -${most} and ${most} on this page, not ${seed}`), { param: "seed" });
}
