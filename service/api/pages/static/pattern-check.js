// Says while a pattern is typed whether texts can fit it, and where it is wrong. It asks for a text of one token: the
// service refuses a pattern that is wrong, and says how long the shortest text is if that is longer.

import { get } from "./api.js";
import { $, h, number } from "./dom.js";
import { leftOut, layPattern, readPattern } from "./pattern.js";
import { isShown, reference, stopsIn } from "./request.js";
import { worded } from "./wording.js";

const WAIT_MS = 300;
const SHOWN = 40;
const NOTHING = { wrong: false, about: [] };

export class PatternCheck {
  #form;
  #asked = "";
  #waiting = 0;
  #running = new AbortController();
  #found = null;

  constructor(form) {
    this.#form = form;
    $("pattern-kind").addEventListener("change", layPattern);
    for (const kind of ["input", "change"]) form.addEventListener(kind, () => this.look());
  }

  /** The form has changed: check its pattern soon, unless it is the one that was checked last. */
  look() {
    const stop = stopsIn(this.#form);
    const pattern = isShown($("pattern-kind")) ? readPattern() : {};
    const body = { model: reference(this.#form), ...pattern, ...(stop.length ? { stop } : {}) };
    const asked = JSON.stringify(body);
    if (asked === this.#asked) return this.#tell();
    this.#asked = asked;
    this.#running.abort();
    clearTimeout(this.#waiting);
    if (Object.keys(pattern).length) this.#waiting = setTimeout(() => this.#check(body), WAIT_MS);
    else this.#settle(null);
    return undefined;
  }

  async #check(body) {
    const mine = (this.#running = new AbortController());
    try {
      const { pattern_skipped: skipped } = await get("/generate", { json: { ...body, length: 1, cache: false }, signal: mine.signal });
      if (this.#running === mine) this.#settle({ shortest: 1, skipped });
    } catch (error) {
      if (this.#running !== mine || error.name === "AbortError") return;
      if (error.code === "length_too_short") this.#settle({ ...error, skipped: error.pattern_skipped });
      else this.#settle(error.status === 422 && error.param !== "model" ? { error } : null);
    }
  }

  #settle(found) {
    this.#found = found;
    this.#tell();
  }

  /** Say what was found, beside the length that is set. */
  #tell() {
    const { wrong, about } = this.#found ? this.#words(this.#found) : NOTHING;
    const told = $("pattern-told");
    const before = told.textContent;
    if (this.#found?.error) $("pattern").setAttribute("aria-invalid", "true");
    else $("pattern").removeAttribute("aria-invalid");
    told.classList.toggle("wrong", wrong);
    const content = about.map((each) => each.textContent).join("");
    if (content !== before) told.replaceChildren(...about); // what has not changed is not read out again
  }

  #words({ error, shortest, example, skipped }) {
    if (error) return { wrong: true, about: [h("p", {}, worded(error.message, this.#form)), ...this.#place(error)] };
    if (shortest === 1) return { wrong: false, about: [h("p", {}, `Fits within any length.${leftOut(skipped)}`)] };
    const { value, dataset } = this.#form.elements.namedItem("length"); // `elements.length` is a number
    const length = Number(value || dataset.default);
    const wrong = this.#form.dataset.view === "text" && length < shortest;
    const needed = wrong ? `Length must be at least ${number(shortest)}, not ${number(length)}` : `The shortest text has a length of ${number(shortest)}`;
    return { wrong, about: [h("p", {}, `${needed}: “${shown(example)}”.${leftOut(skipped)}`)] };
  }

  /** The line that has the place, and a caret below it; for readers who see it, as the message says it in words. */
  #place({ position }) {
    if (!Number.isInteger(position)) return [];
    const before = Array.from($("pattern").value).slice(0, position).join("").split("\n").at(-1);
    const after = Array.from($("pattern").value).slice(position).join("").split("\n")[0];
    const [start, end] = [Array.from(before).slice(-SHOWN / 2), Array.from(after).slice(0, SHOWN / 2)];
    return [h("pre", { "aria-hidden": "true" }, `${[...start, ...end].join("")}\n${" ".repeat(start.length)}^`)];
  }
}

const shown = (text) => (text.length > 2 * SHOWN ? `${text.slice(0, 2 * SHOWN)}…` : text);
