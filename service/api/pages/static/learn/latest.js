// Questions to the service of which only the last one counts.

import { clearError, showError } from "../errors.js";

/** A listener that calls `ask`, and what that gives, to show it, unless it has been called again meanwhile; errors are
    shown in the box. */
export function latest(box, ask) {
  let last = 0;
  return async () => {
    const mine = (last += 1);
    clearError(box);
    try {
      const show = await ask();
      if (mine === last) show();
    } catch (failed) {
      if (mine === last) showError(box, failed);
    }
  };
}
