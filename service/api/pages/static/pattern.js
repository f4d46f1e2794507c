// What a text has to fit: one of the request's fields `regex`, `choice` and `json_schema`, between the form, requests and
// addresses.

import { stepsOf } from "./address.js";
import { $ } from "./dom.js";
import { escape, unescape } from "./escapes.js";

const KINDS = {
  regex: { label: "Regular expression", hint: "The text matches it as a whole. Python's syntax, without look-around and back-references.",
    read: (text) => text, write: (value) => value },
  choice: { label: "Choices", hint: "One per line; \\n is a line break, \\t a tab.",
    read: (text) => text.split("\n").filter(Boolean).map(unescape), write: (value) => [value].flat().map(escape).join("\n") },
  json_schema: { label: "JSON schema", hint: "The text is JSON of this schema. Properties come in its order.",
    read: readSchema, write: (value) => (typeof value === "string" ? value : JSON.stringify(value)) },
};

/** The field of the request, in an object; an empty one without a pattern. */
export function readPattern() {
  const kind = $("pattern-kind").value;
  const text = $("pattern").value;
  return kind && text.trim() ? { [kind]: KINDS[kind].read(text) } : {};
}

/** The pattern that the last of these requests goes on with. */
export function patternIn(steps) {
  const names = Object.keys(KINDS);
  const last = steps.findLast((step) => names.some((name) => name in step)) ?? {};
  return Object.fromEntries(names.filter((name) => (last[name] ?? null) !== null).map((name) => [name, last[name]]));
}

/** Fill in what an address says. */
export function showPattern(parameters) {
  const steps = stepsOf(parameters);
  const given = Object.keys(KINDS).filter((name) => parameters.has(name)).map((name) => [name, parameters.getAll(name)]);
  const [kind, value] = (steps ? Object.entries(patternIn(steps)) : given.map(([name, all]) => [name, name === "choice" ? all : all[0]]))[0] ?? ["", ""];
  $("pattern-kind").value = kind;
  $("pattern").value = kind && KINDS[kind].write(value);
  layPattern();
}

/** Show the controls that suit the kind of pattern; the text is the request's field of that name. */
export function layPattern() {
  const kind = $("pattern-kind").value;
  $("pattern-field").hidden = !kind;
  $("pattern").name = kind;
  if (!kind) return;
  $("pattern-label").textContent = KINDS[kind].label;
  $("pattern-hint").textContent = KINDS[kind].hint;
}

/** Which characters of a pattern were left out, in a sentence. */
export const leftOut = (characters = []) =>
  (characters.length ? ` Left out of the pattern, as the model does not know them: ${characters.map((each) => JSON.stringify(each)).join(", ")}.` : "");

/** A schema as an object, unless that could lose something: the order of properties that are numbers, digits of long
    numbers, or what is no JSON, which the service says more of. */
function readSchema(text) {
  if (/"\d+"\s*:|\d{16}/.test(text)) return text;
  try {
    const schema = JSON.parse(text);
    return schema !== null && typeof schema === "object" && !Array.isArray(schema) ? schema : text;
  } catch {
    return text;
  }
}
