// A request to a version that suits its task, and what it gives.

import { get, lines } from "./api.js";
import { h } from "./dom.js";

const TEXT = { length: 300, temperature: 0.8, seed: 1 };
const RECORDS = { count: 10, length: 100, temperature: 0.8, seed: 1 };

/** `{path, body, answer, sample}` for a version of this task, "" for one endless text; `sample` gives what is to be shown of
    the reply, and is null if the request has nothing to say yet. */
export function exampleOf(model, prompt, task) {
  if (task === "") return text({ model, prompt, ...TEXT });
  if (task === "generate") return records({ model, ...RECORDS });
  return { path: `/${task}`, body: { model, text: prompt }, answer: '["results"]', sample: null };
}

const text = (body) => ({ path: "/generate", body, answer: '["text"]',
  sample: async () => [h("span", { className: "prompt" }, body.prompt), (await get("/generate", { json: body })).text] });

const records = (body) => ({ path: "/records", body, answer: null,
  async sample() {
    const made = [];
    for await (const line of lines("/records", { json: body })) if (!line.done) made.push(line.text);
    return [made.join("\n")];
  } });
