// Asks how a text is to go on differently from a place in it, and shows the forks of the text that is shown.

import { begun, placeIn } from "./continuing.js";
import { $, h } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { Fork } from "./fork.js";
import { checkSeed, whole } from "./request.js";
import { ending, entire } from "./text.js";

/** The form has the settings; `keep` is told of each branch. */
export class Forking {
  #settings;
  #page;
  #asked = null;
  #forks = new WeakMap();

  constructor(settings, keep) {
    this.#settings = settings;
    const length = settings.elements.namedItem("length"); // `elements.length` is a number
    this.#page = { keep, length: () => Number(length.value || length.dataset.default), choose: (...asked) => this.choose(...asked) };
    $("forking").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#fork();
    });
  }

  /** Show the forks of this text from now on. */
  show(made) {
    this.#close();
    if (made && !this.#forks.has(made)) this.#forks.set(made, h("div"));
    $("forks").replaceChildren(...(made ? [this.#forks.get(made)] : []));
  }

  /** Ask, below this element, how the text is to go on after so many UTF-16 units from its first prompt. */
  choose(made, length, after) {
    const panel = this.#panel();
    const from = document.activeElement;
    this.#asked = { made, length, from };
    clearError($("fork-error"), $("forking"));
    const [{ prompt }] = made.steps;
    $("fork-place").textContent = `Go on differently after “${ending(entire(made).slice(0, prompt.length + length), 30)}”`;
    $("fork-temperature").value = Object.assign({}, ...made.steps).temperature ?? this.#settings.elements.temperature.dataset.default;
    after.after(panel);
    panel.hidden = false;
    if (from.matches(":focus-visible")) $("ways").focus();
  }

  /** The controls, which the page has once a place has been chosen. */
  #panel() {
    if ($("fork-panel")) return $("fork-panel");
    document.body.append($("fork-fields").content.cloneNode(true));
    const panel = $("fork-panel");
    $("fork-cancel").addEventListener("click", () => this.#leave());
    panel.addEventListener("keydown", ({ key }) => key === "Escape" && this.#leave());
    return panel;
  }

  async #fork() {
    const { made, length } = this.#asked;
    const all = $("forks").firstElementChild;
    clearError($("fork-error"), $("forking"));
    $("fork").disabled = true;
    try {
      const { steps, next } = await placeIn(made, length);
      const fork = new Fork(await begun([...steps, { ...next, ...this.#wanted() }]), this.#page);
      await fork.begin(all, () => this.#close());
    } catch (error) {
      showError($("fork-error"), error, $("forking"));
    } finally {
      $("fork").disabled = false;
    }
  }

  /** What is asked for in the panel. Without a seed it is a random one: otherwise the first branch would go on as before. */
  #wanted() {
    const { n, temperature, seed } = $("forking").elements;
    const wanted = { length: this.#page.length(), n: Number(n.value) };
    if (temperature.value) wanted.temperature = Number(temperature.value);
    wanted.seed = seed.value.trim() ? whole(seed.value.trim()) : crypto.getRandomValues(new Uint32Array(1))[0];
    checkSeed(wanted);
    return wanted;
  }

  #leave() {
    this.#close();
    this.#asked.from.focus();
  }

  #close() {
    if ($("fork-panel")) $("fork-panel").hidden = true;
  }
}
