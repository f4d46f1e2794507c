// A generated text, with what is needed to describe and reproduce it: `{body, model, version, texts, seeds, cached, seconds, whole}`.

import { count, number } from "./dom.js";

/** The empty text for a request's body. */
export const unwritten = (body) =>
  ({ body, model: "", version: 0, seconds: 0, cached: false, whole: false, texts: Array(body.n ?? 1).fill(""), seeds: [] });

/** The request that reproduces exactly this text, or one of several: with the version and the seed of the reply. */
export function exact({ body, model, version, seeds }, index = null) {
  const { n, ...rest } = { ...body, model: `${model}@${version}`, seed: seeds[index ?? 0] };
  return index === null && n ? { ...rest, n } : rest;
}

/** Whether two are identical. */
export const same = (one, other) => one !== null && one.seeds[0] === other.seeds[0] && one.texts.join() === other.texts.join();

/** Its length, origin, version and seed in words. */
export function summary({ texts, seeds, model, version, cached, seconds }) {
  const written = texts.reduce((sum, text) => sum + Array.from(text).length, 0);
  const how = cached ? ", from the cache" : seconds ? ` in ${number(seconds * 1000)} ms` : "";
  const drawn = seeds.length > 1 ? `seeds ${seeds[0]} to ${seeds.at(-1)}` : `seed ${seeds[0]}`;
  const several = texts.length > 1 ? `${count(texts.length, "text")}, ` : "";
  return `${several}${count(written, "character")}${how} — ${model}, version ${version}, ${drawn}`;
}

/** Its file name. */
export const fileName = ({ model, version, seeds }, index = 0) => `${model}-${version}-seed-${seeds[index]}.txt`;
