// A generated text, with what is needed to describe and reproduce it: `{steps, before, model, version, texts, seeds, cached,
// seconds, whole}`. Its `steps` are requests that each go on where the one before ended; `texts` are those of the last,
// `before` has those of the others.

import { count, number } from "./dom.js";
import { leftOut } from "./pattern.js";

/** The empty text for these requests. */
export const unwritten = (steps, before = []) => ({ steps, before, model: "", version: 0, seconds: 0, cached: false, whole: false,
  texts: Array(steps.at(-1).n ?? 1).fill(""), seeds: [] });

/** Add an event of the last request's stream. */
export function take(made, { index, text, seed, model, version, usage, cached, timing, pattern_skipped: skipped }) {
  Object.assign(made, { model, version }, skipped ? { skipped } : {});
  if (usage) Object.assign(made, { cached, seconds: timing.total });
  if (index === undefined) return;
  made.texts[index] += text;
  made.seeds[index] = seed;
}

/** The requests that reproduce exactly this text, or one of several: with the version and the seed of the reply. */
export function exact({ steps, model, version, seeds }, index = null) {
  const { n, ...last } = { ...steps.at(-1), ...(steps.length === 1 ? { model: `${model}@${version}` } : {}), seed: seeds[index ?? 0] };
  return [...steps.slice(0, -1), index === null && n ? { ...last, n } : last];
}

/** One of several texts as a text of its own. */
export const alone = (made, index) =>
  ({ ...made, steps: exact(made, index), texts: [made.texts[index]], seeds: [made.seeds[index]] });

/** What its requests gave, and the prompts between, in order: all that follows the first prompt. */
export const passages = ({ steps, before, texts }, index = 0) =>
  [...before, texts[index]].flatMap((text, at) => (at ? [steps[at].prompt ?? "", text] : [text]));

/** What follows the first prompt. */
export const written = (made, index = 0) => passages(made, index).join("");

/** All that precedes what the last request gave. */
export const beginning = (made) => made.steps[0].prompt + passages(made).slice(0, -1).join("");

/** All of it. */
export const entire = (made, index = 0) => made.steps[0].prompt + written(made, index);

/** Whether two are identical. */
export const same = (one, other) => one !== null && one.seeds[0] === other.seeds[0] && all(one).join() === all(other).join();

const all = ({ before, texts }) => [...before, ...texts];

/** Its length, origin, version and seed in words. */
export function summary(made) {
  const { texts, seeds, model, version, cached, seconds, skipped } = made;
  const length = (texts.length > 1 ? texts : all(made)).reduce((sum, text) => sum + Array.from(text).length, 0);
  const how = cached ? ", from the cache" : seconds ? ` in ${number(seconds * 1000)} ms` : "";
  const drawn = seeds.length > 1 ? `seeds ${seeds[0]} to ${seeds.at(-1)}` : `seed ${seeds[0]}`;
  const several = texts.length > 1 ? `${count(texts.length, "text")}, ` : "";
  return `${several}${count(length, "character")}${how} — ${model}, version ${version}, ${drawn}${leftOut(skipped) && `.${leftOut(skipped)}`}`;
}

/** The end of a text that may be long, to say where it is. */
export function ending(text, most = 60) {
  const characters = Array.from(text);
  return characters.length > most ? `…${characters.slice(-most).join("")}` : text;
}

/** Its file name. */
export const fileName = ({ model, version, seeds }, index = 0) => `${model}-${version}-seed-${seeds[index]}.txt`;
