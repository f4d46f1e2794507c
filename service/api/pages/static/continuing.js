// Texts that go on: the requests that go on where others ended, and the place in a text from which it goes on differently.

import { events, get } from "./api.js";
import { textEvents } from "./text-events.js";
import { exact, passages, take, unwritten, written } from "./text.js";

const ends = new Map();

/** `{text, continuation}` of the last of these requests, which are exact: asked for once. */
function endOf(steps) {
  const name = JSON.stringify(steps);
  if (!ends.has(name)) {
    const asked = ask(steps);
    asked.catch(() => ends.clear()); // a key may have been replaced, with which others were signed as well
    ends.set(name, asked);
  }
  return ends.get(name);
}

async function ask(steps) {
  const { choices: [end] } = await get("/generate", { json: { ...(await request(steps)), continuation: true } });
  return end;
}

/** The body of the last request, which goes on where the one before it ended. */
async function request(steps) {
  const before = steps.slice(0, -1);
  return before.length ? { ...steps.at(-1), continue: (await endOf(before)).continuation } : steps.at(-1);
}

/** The text of these requests, of which the last has given nothing yet. */
export const begun = async (steps) =>
  unwritten(steps, await Promise.all(steps.slice(1).map(async (_, at) => (await endOf(steps.slice(0, at + 1))).text)));

/** What the last request gives, as it is added to the text: `{index, text}`. `lost` is called while the connection is,
    after which the text goes on. */
export async function* arriving(made, signal, lost = () => {}) {
  for await (const { data } of textEvents(await request(made.steps), signal, lost)) {
    take(made, data);
    yield data;
  }
  made.whole = true;
}

/** Where one text can go on, `length` UTF-16 units after its first prompt, or at the end of the token that these end in:
    `{steps, next}`, the requests up to there, and what was asked for there if that was just after a prompt; within a
    prompt, that is its end. */
export async function placeIn(made, length) {
  const steps = exact(made, 0);
  if (length === 0) return { steps: [], next: steps[0] };
  let rest = length;
  for (const [at, passage] of passages(made).entries()) {
    const step = (at + 1) >> 1; // texts and prompts take turns
    if (rest > passage.length) rest -= passage.length;
    else if (at % 2) return { steps: steps.slice(0, step), next: steps[step] };
    else return { steps: await cut(steps.slice(0, step + 1), rest), next: {} };
  }
  throw new RangeError(`the text is shorter than ${length}`);
}

/** Where a whole text goes on, also one that was stopped by hand. */
export const endOfText = async (made) =>
  (made.whole ? exact(made) : (await placeIn(made, written(made).length)).steps);

/** The requests, with the last one's length such that its text ends with the token that has its `units`th unit. */
async function cut(steps, units) {
  const stopper = new AbortController();
  const json = { ...(await request(steps)), stream: true, logprobs: 0 };
  let [length, reached] = [0, 0];
  for await (const { data } of events("/generate", { json, signal: stopper.signal })) {
    for (const { token } of data.logprobs ?? []) {
      if (reached >= units) break;
      reached += token.length;
      length += 1;
    }
    if (reached >= units) break;
  }
  stopper.abort();
  return [...steps.slice(0, -1), { ...steps.at(-1), length }];
}
