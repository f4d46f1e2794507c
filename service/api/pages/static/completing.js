// Completes the prompt while it is typed, where that is switched on: Tab takes the likeliest, Escape leaves it.

import { get } from "./api.js";
import { $ } from "./dom.js";
import { reference, skipping } from "./request.js";

const PAUSE = 120; // milliseconds without a key until it is asked
const OFFERED = 3;

export class Completing {
  #form;
  #prompt;
  #asked = null; // what aborts the request under way
  #timer = 0;
  #texts = [];

  constructor(form) {
    this.#form = form;
    this.#prompt = form.elements.prompt;
    $("completing").addEventListener("change", () => this.#switched());
    this.#prompt.addEventListener("input", () => this.#typed());
    this.#prompt.addEventListener("keydown", (event) => this.#pressed(event));
    $("completions").addEventListener("click", ({ target }) => this.#take(target.closest("button")?.dataset.text));
  }

  #switched() {
    $("completions").hidden = !$("completing").checked;
    this.#prompt.focus();
    this.#typed();
  }

  #typed() {
    this.#leave();
    if ($("completing").checked) this.#timer = setTimeout(() => this.#ask(), PAUSE);
  }

  #pressed(event) {
    if (!this.#texts.length || event.isComposing || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    if (event.key === "Tab") this.#take(this.#texts[0]);
    else if (event.key === "Escape") this.#leave();
    else return;
    event.preventDefault();
  }

  /** Nothing is offered any more, and nothing will be before the next key. */
  #leave() {
    clearTimeout(this.#timer);
    this.#asked?.abort();
    this.#show([]);
  }

  async #ask() {
    const { value, selectionStart } = this.#prompt;
    if (selectionStart !== value.length) return; // within the text nothing is missing
    const { signal } = (this.#asked = new AbortController());
    const json = { model: reference(this.#form), prompt: value, n: OFFERED + 1, ...skipping(this.#form) };
    try {
      const { completions } = await get("/complete", { json, signal });
      if (!signal.aborted) this.#show(completions.filter(({ text }) => text).slice(0, OFFERED));
    } catch {
      // It is only an offer: Generate says what is wrong.
    }
  }

  #show(completions) {
    this.#texts = completions.map(({ text }) => text);
    $("completions").replaceChildren(...completions.map(button));
    const [first] = completions;
    $("completion").textContent = first ? `${first.text}, ${percent(first)}. Tab takes it, Escape leaves it.` : "";
  }

  #take(text) {
    if (text === undefined) return;
    this.#prompt.focus();
    this.#prompt.setRangeText(text, this.#prompt.value.length, this.#prompt.value.length, "end");
    this.#prompt.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

const percent = ({ probability }) => `${Math.round(100 * probability)} %`;

function button(completion, index) {
  const made = Object.assign(document.createElement("button"), { type: "button", className: "small" });
  made.dataset.text = completion.text;
  const text = Object.assign(document.createElement("span"), { textContent: completion.text, dir: "auto" });
  const share = Object.assign(document.createElement("small"), { textContent: percent(completion) });
  made.append(text, " ", share);
  if (index === 0) made.setAttribute("aria-keyshortcuts", "Tab");
  return made;
}
