// Questions to the service of which only the last one counts.

import { clearError, showError } from "../errors.js";

/** A listener that calls `ask`, and what that gives, to show it, unless it has been called again meanwhile; errors are
    shown in the box, with the labels of the `form`, or set of fields, in place of their names. */
export function latest(box, ask, form = null) {
  let last = 0;
  return async () => {
    const mine = (last += 1);
    clearError(box, form);
    try {
      const show = await ask();
      if (mine === last) show();
    } catch (failed) {
      if (mine === last) showError(box, failed, form);
    }
  };
}
