// What a job is about: its text, its budget, the network and the settings that were decided on, and what to beware of.

import { get } from "./api.js";
import { $, bytes, count, h } from "./dom.js";
import { budget, decided } from "./job-words.js";

let corpus = null;

/** The job's text, asked for once; null when it is gone. */
async function corpusOf({ corpus: id }) {
  if (id === null) return null;
  if (corpus?.id !== id) corpus = await get(`/corpora/${id}`).catch(() => null);
  return corpus;
}

/** Show what the job was asked to do and what its trainer decided on. */
export async function plan(job) {
  const { request, decided: settings = {} } = job;
  const text = await corpusOf(job);
  if ($("watch").dataset.job !== job.id) return;
  const facts = [
    ["Text", text === null ? "deleted" : h("span", { dir: "auto" }, named(text))],
    ["Budget", request?.budget && budget(request.budget)],
    ["Continues from", request?.base],
    ...decided(settings),
  ];
  $("job-plan").replaceChildren(...facts.flatMap(([title, value]) => (value ? [h("dt", {}, title), h("dd", {}, value)] : [])));
}

const named = ({ id, name, characters, bytes: size, damaged }) =>
  `${name || id} (${damaged ? "damaged" : `${count(characters, "character")}, ${bytes(size)}`})`;

/** Show what there is to know about its result. */
export function warn(warnings) {
  $("job-warnings").hidden = !warnings.length;
  $("job-warnings").replaceChildren(...warnings.map((each) => h("li", {}, each)));
}
