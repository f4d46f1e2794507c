// Shows a job's text, budget, network, settings and warnings.

import { get } from "./api.js";
import { $, bytes, count, h } from "./dom.js";
import { budget, decided } from "./job-words.js";
import { simpleModels, task } from "./model-words.js";

let corpus = null;

/** The job's text, requested once; null if it was deleted. */
async function corpusOf({ corpus: id }) {
  if (id === null) return null;
  if (corpus?.id !== id) corpus = await get(`/corpora/${id}`).catch(() => null);
  return corpus;
}

/** Show the job's request and its plan. */
export async function plan(job) {
  const { request, decided: { base: chosen, ...settings } = {}, comparison = {} } = job;
  const text = await corpusOf(job);
  if ($("watch").dataset.job !== job.id) return;
  const facts = [
    ["Text", text === null ? "deleted" : h("span", { dir: "auto" }, named(text))],
    ["Task", request && task({ task: "generate", ...request, unit: divided(request) ? "line" : "text" })],
    ["Budget", request?.budget && budget(request.budget)],
    ["Continues from", chosen ? `the base ${chosen} of this service` : versionIn(request)],
    ...decided(settings),
    ["Simple models", simpleModels(comparison.yardsticks)],
  ];
  $("job-plan").replaceChildren(...facts.flatMap(([title, value]) => (value ? [h("dt", {}, title), h("dd", {}, value)] : [])));
}

/** The version that the request names as the base, if it names one. */
const versionIn = (request) => (["auto", "none"].includes(request?.base) ? null : request?.base);

/** Whether the request says that the text has records. */
const divided = ({ task: name = "generate", unit, separator, format, fields }) =>
  name !== "generate" || Boolean(separator ?? fields ?? (unit && unit !== "text")) || (Boolean(format) && format !== "plain");

const named = ({ id, name, characters, bytes: size, damaged }) =>
  `${name || id} (${damaged ? "damaged" : `${count(characters, "character")}, ${bytes(size)}`})`;

/** Show the warnings about its result. */
export function warn(warnings) {
  $("job-warnings").hidden = !warnings.length;
  $("job-warnings").replaceChildren(...warnings.map((each) => h("li", {}, each)));
}
