// The address of a text: its request, in the URL's fragment, which browsers do not send, so that
// prompts never appear in server logs, and their length is not limited.

import { escape } from "./escapes.js";

/** The address of a text that goes on: its requests, each of which goes on where the one before ended. */
export const addressOfSteps = (steps) => (steps.length === 1 ? addressOf(steps[0]) : addressOf({ steps: JSON.stringify(steps) }));

/** The body of a request, with the version that answered and the seed that was drawn, as an address. */
export function addressOf(body) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    for (const each of [value].flat()) parameters.append(name, typeof each === "object" ? JSON.stringify(each) : each);
  }
  return `#${parameters}`;
}

/** The parameters in the page's address, in its fragment or in its query; of a text that goes on, those that it had at last,
    with its first prompt. */
export function addressed() {
  const parameters = new URLSearchParams(location.hash.slice(1) || location.search);
  const steps = stepsOf(parameters);
  if (!steps) return parameters;
  const last = { ...Object.assign({}, ...steps), prompt: steps[0].prompt, steps: parameters.get("steps") };
  return new URLSearchParams(addressOf(last).slice(1));
}

/** The requests of a text that goes on; null if there are none that can be read. */
export function stepsOf(parameters) {
  try {
    const steps = JSON.parse(parameters.get("steps"));
    return steps?.length && steps.every((step) => typeof step === "object") ? steps : null;
  } catch {
    return null;
  }
}

/** Whether an address is a text's: if it has a seed, omitted parameters have the service's defaults. */
export const isText = (parameters) => parameters.has("seed");

/** Put the address's values into the form's fields; omitted ones get their defaults. */
export function fill(form, parameters) {
  for (const field of form.querySelectorAll("[data-addressed]")) {
    const given = parameters.getAll(field.name);
    if (field.type === "checkbox") field.checked = given.includes(field.value);
    else if (given.length) field.value = field.name === "stop" ? given.map(escape).join("\n") : given[0];
    else field.value = (isText(parameters) && field.dataset.default) || (field.defaultValue ?? ""); // a list has none
  }
}
