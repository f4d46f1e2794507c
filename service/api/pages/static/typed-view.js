// A view whose answer follows the text while it is typed: only the latest text's answer is shown.

import { addressOf } from "./address.js";
import { get } from "./api.js";
import { $ } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { reference, skipping } from "./request.js";

const PAUSE_MS = 150;

/** What the views of the tasks have in common. They have a `path`, a `hint`, and `show(reply, text)` and `clear()`. */
export class TypedView {
  answer = '["results"]';
  form;
  reading;
  #later = 0;
  #asking = null;

  constructor(form, reading = null) {
    [this.form, this.reading] = [form, reading];
    const again = () => this.#wait(PAUSE_MS);
    form.elements.text.addEventListener("input", again);
    form.addEventListener("change", ({ target }) => {
      if (target.name === "unknown" || target.name === "beams") again();
    });
  }

  get #here() {
    return this.form.dataset.view === this.task;
  }

  /** What of the text is sent. */
  texts() {
    return { text: this.form.elements.text.value };
  }

  body() {
    return { model: reference(this.form), ...this.texts(), ...skipping(this.form) };
  }

  open() {
    this.chosen();
  }

  chosen() {
    $("written-hint").textContent = this.hint;
    this.#wait(0);
  }

  submit() {
    this.#wait(0);
  }

  stop() {
    clearTimeout(this.#later);
    this.#asking?.abort();
  }

  leave() {
    this.stop();
    $("status").textContent = "";
  }

  #wait(pause) {
    if (!this.#here) return;
    this.stop();
    this.#later = setTimeout(() => this.#ask(), pause);
  }

  async #ask() {
    clearError($("error"), this.form);
    const body = this.body();
    const text = this.form.elements.text.value;
    if (!text.trim()) {
      $("status").textContent = "";
      return this.clear();
    }
    const mine = (this.#asking = new AbortController());
    try {
      const reply = await get(this.path, { json: body, signal: mine.signal });
      if (this.#asking !== mine || !this.#here) return undefined;
      this.show(reply, text);
      history.replaceState(null, "", addressOf({ ...body, text, texts: [] }));
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      showError($("error"), { ...error, message: error.message, param: /^texts?\b/.test(error.param ?? "") ? "text" : error.param }, this.form);
    }
    return undefined;
  }
}
