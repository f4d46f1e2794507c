// Shows errors where they are seen and announced: the service's message with the page's labels, and the field at fault.

import { askForKey } from "./key-button.js";
import { key } from "./key.js";
import { worded } from "./wording.js";

/** Show the error in the box, and mark the field of the form that the service names, if there is one; errors about the
    key are shown where the key is entered. */
export function showError(box, error, form = null) {
  if (error.status === 401) return askForKey(key() ? "The service no longer accepts this key." : "This needs a key.");
  if (error.status === 403) return askForKey(error.message);
  const wait = error.retryAfter ? ` Try again in ${error.retryAfter} s.` : "";
  box.textContent = worded(error.message, form) + wait;
  box.dataset.code = error.code ?? "";
  box.hidden = false;
  const field = error.param ? form?.elements.namedItem(error.param) : null; // `elements.length` is a number
  if (!(field instanceof HTMLElement)) return undefined;
  field.setAttribute("aria-invalid", "true");
  for (let around = field.closest("details"); around; around = around.parentElement.closest("details")) {
    around.open = true;
  }
  field.focus();
  return undefined;
}

/** Remove the error. */
export function clearError(box, form = null) {
  box.hidden = true;
  box.textContent = "";
  for (const field of form?.elements ?? []) field.removeAttribute("aria-invalid");
}
