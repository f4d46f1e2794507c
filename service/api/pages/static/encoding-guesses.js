// The encodings that the service suggests for a file whose own is uncertain.

import { $, h } from "./dom.js";

/** Offer the encodings of the service's error, if it has any; `take` is called with the chosen one. Returns the error to be
    shown. */
export function suggest(error, take) {
  const { guesses = [], param, code } = error;
  if (param !== "encoding" && !guesses.length) return error;
  $("reread").hidden = false;
  $("guesses").replaceChildren(...guesses.map(({ encoding, line }) =>
    h("li", {}, h("button", { type: "button", className: "small", onclick: () => take(encoding) }, encoding),
      h("span", { dir: "auto" }, line))));
  const message = "The encoding of this text is uncertain. Choose the one below that reads correctly, or enter another.";
  return guesses.length ? { message, code, param: "encoding" } : error;
}
