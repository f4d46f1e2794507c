// A text's address: what was asked for, in the part of the address that the browser keeps to itself, so that no prompt
// stands in a server's log, and none is too long.

import { escape } from "./request.js";

/** The body of a request, with the version that answered and the seed that was drawn, as an address. */
export function addressOf(body) {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(body)) {
    for (const each of [value].flat()) parameters.append(name, each);
  }
  return `#${parameters}`;
}

/** What stands in the page's address; what follows a question mark will do as well. */
export const addressed = () => new URLSearchParams(location.hash.slice(1) || location.search);

/** Whether an address is a text's: with a seed, what it leaves out is what the service takes for it. */
export const isText = (parameters) => parameters.has("seed");

/** Put the address's values into the form's fields; one that it leaves out gets its default. */
export function fill(form, parameters) {
  for (const field of form.querySelectorAll("[data-addressed]")) {
    const given = parameters.getAll(field.name);
    if (field.type === "checkbox") field.checked = given.includes(field.value);
    else if (given.length) field.value = field.name === "stop" ? given.map(escape).join("\n") : given[0];
    else field.value = (isText(parameters) && field.dataset.default) || field.defaultValue;
  }
}
