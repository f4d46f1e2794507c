// Several ways to go on from one place in a text, side by side; each can go on, be forked again, copied and closed.

import { addressOfSteps } from "./address.js";
import { Alternatives, link, tool } from "./alternatives.js";
import { Choosing } from "./choosing.js";
import { arriving, begun, endOfText } from "./continuing.js";
import { $, h } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { copy } from "./saving.js";
import { LOST } from "./text-events.js";
import { alone, beginning, ending, entire, summary, written } from "./text.js";

let forks = 0;

/** The branches of a text whose last request asks for several texts. `page` has `length()`, for how long a branch goes on;
    `keep(made)`, told of each branch; and `choose(made, length, after)`, told where one is to be forked: after how many
    UTF-16 units from the first prompt, and below which element that is to be asked. */
export class Fork {
  #made;
  #page;
  #before;
  #branches = [];
  #stopper = new AbortController();
  #list = h("ol", { className: "alternatives" });
  #texts = new Alternatives(this.#list);
  #status = h("p", { className: "status", role: "status" });
  #place = h("p", { className: "visually-hidden", role: "status" });
  #error = h("div", { className: "error", role: "alert", hidden: true });
  #section;

  constructor(made, page) {
    [this.#made, this.#page, this.#before] = [made, page, written(made).length]; // nothing of the branches yet
    const id = `fork-${(forks += 1)}`;
    this.#section = h("section", { className: "fork", tabIndex: -1, "aria-labelledby": id },
      h("div", { className: "above" }, h("h2", { id }, `After “${ending(beginning(made), 30)}”`),
        h("div", { className: "buttons" }, tool("Close all", () => this.#closeAll()))),
      this.#list, this.#status, this.#place, this.#error);
  }

  /** Add the branches to `all` as they come, after calling `coming`; rejects if none comes. */
  async begin(all, coming) {
    await this.#write(this.#made, 0, () => {
      coming();
      all.append(this.#section);
      this.#lay();
      this.#section.focus();
    });
  }

  #lay() {
    const { n, seed } = this.#made.steps.at(-1);
    this.#texts.begin(ending(beginning(this.#made)), Array.from({ length: n }, (_, index) => `Seed ${seed + index}`));
    for (let index = 0; index < n; index += 1) {
      new Choosing(this.#texts.node(index),
        (length) => this.#branches[index] && this.#page.choose(this.#branches[index], this.#before + length, this.#list),
        (text) => (this.#place.textContent = `After “${ending(text, 20)}”`));
    }
  }

  /** Add what comes to the branches from `first` on, after calling `coming`; rejects if nothing comes. */
  async #write(made, first, coming) {
    let isComing = false;
    try {
      const lost = () => (this.#status.textContent = LOST);
      for await (const { index, text } of arriving(made, this.#stopper.signal, lost)) {
        if (!isComing) coming();
        isComing = true;
        this.#status.textContent = "Generating …";
        if (text) this.#texts.add(first + index, text);
      }
    } catch (error) {
      if (!isComing) throw error;
      if (error.name !== "AbortError") showError(this.#error, error);
    }
    this.#status.textContent = `${made.whole ? "" : "Incomplete: "}${summary(made)}`;
    for (const index of made.seeds.keys()) this.#settle(first + index, alone(made, index));
  }

  /** A branch has all of its text: offer what can be done with it. */
  #settle(index, made) {
    this.#branches[index] = made;
    this.#page.keep(made);
    this.#texts.offer(index,
      link(addressOfSteps(made.steps), `Alone, seed ${made.seeds[0]}`),
      tool("Go on", () => this.#goOn(index)),
      tool("Copy", ({ target }) => copy(entire(made), target)),
      tool("Close", () => this.#close(index)));
  }

  async #goOn(index) {
    const made = this.#branches[index];
    this.#branches[index] = null;
    this.#texts.offer(index);
    clearError(this.#error);
    try {
      const steps = [...(await endOfText(made)), { length: this.#page.length() }];
      await this.#write(await begun(steps), index, () => {});
    } catch (error) {
      this.#settle(index, made);
      showError(this.#error, error);
    }
    if (document.activeElement === document.body) this.#texts.item(index).querySelector("button").focus();
  }

  #close(index) {
    this.#texts.item(index).remove();
    const next = this.#list.querySelector("button");
    if (next) next.focus();
    else this.#closeAll();
  }

  #closeAll() {
    this.#stopper.abort();
    this.#section.remove();
    $("text").focus();
  }
}
