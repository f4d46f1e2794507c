// Steps through numbered places: two buttons, the arrow keys, Home and End.

const LEADS = { ArrowLeft: (at) => at - 1, ArrowRight: (at) => at + 1, Home: () => 0, End: () => Infinity };

/** The buttons `[data-back]` and `[data-on]` within the element, and keys on `keyed` (focusable), lead from place to
    place, 0 to `count() - 1`; `show` is called with each, and with a function that goes to another. */
export function stepping(element, keyed, count, show) {
  const [back, on] = ["back", "on"].map((name) => element.querySelector(`[data-${name}]`));
  let at = 0;
  function go(place) {
    at = Math.max(0, Math.min(count() - 1, place));
    for (const [button, ended] of [[back, at === 0], [on, at === count() - 1]]) button.setAttribute("aria-disabled", ended);
    show(at, go);
  }
  back.addEventListener("click", () => go(at - 1));
  on.addEventListener("click", () => go(at + 1));
  keyed.addEventListener("keydown", (event) => {
    if (event.target.matches("input, select, textarea") || !(event.key in LEADS) || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    go(LEADS[event.key](at));
  });
  go(0);
}
