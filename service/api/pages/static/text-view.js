// The view for a model of endless text: the text is shown while it is generated, and gets an address that reproduces it.

import { addressOf, isText } from "./address.js";
import { Alternatives } from "./alternatives.js";
import { events } from "./api.js";
import { $ } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { checkSeed, read } from "./request.js";
import { copy, save } from "./saving.js";
import { exact, fileName, summary, same, unwritten } from "./text.js";

/** `reading` shows one text; `asked` is called when the form's request has changed. */
export class TextView {
  path = "/generate";
  answer = '["text"]';
  #form;
  #lists;
  #asked;
  #reading;
  #alternatives = new Alternatives();
  #known = new Map();
  #running = null;
  #shown = null;
  #suggested = "";

  constructor(form, lists, reading, asked) {
    [this.#form, this.#lists, this.#reading, this.#asked] = [form, lists, reading, asked];
    $("copy-text").addEventListener("click", ({ target }) => copy(this.#whole(), target));
    $("copy-link").addEventListener("click", ({ target }) => copy(location.href, target));
    $("download").addEventListener("click", () => save(this.#whole(), fileName(this.#shown)));
  }

  body() {
    return read(this.#form);
  }

  /** The form was filled in from these parameters: show their text, if they are a text's. */
  open(parameters) {
    if (!parameters.has("prompt")) this.#form.elements.prompt.value = this.#suggested = this.#lists.prompt;
    this.#asked();
    if (isText(parameters)) this.#recall(location.hash);
    else this.#clear();
  }

  /** For another model, use its default prompt unless the user has written one. */
  chosen(anew) {
    const { prompt } = this.#form.elements;
    if (prompt.value === this.#suggested) prompt.value = this.#suggested = this.#lists.prompt;
    if (anew) this.#clear();
  }

  submit() {
    this.#generate(this.body());
  }

  again() {
    const { seeds, model, version } = this.#shown;
    this.#form.elements.seed.value = seeds[0];
    this.#asked();
    this.#generate({ ...this.body(), model: `${model}@${version}` });
  }

  stop() {
    this.#running?.abort();
  }

  /** Another view, or another text, is shown from now on. */
  leave() {
    this.stop();
    this.#running = null;
    $("halt").hidden = true;
  }

  /** Generate the text and show it as it arrives, with its status; the previous text stays until the first piece
      arrives. */
  async #generate(body, opened = false) {
    this.#running?.abort();
    const mine = (this.#running = new AbortController());
    clearError($("error"), this.#form);
    $("halt").hidden = false;
    $("again").disabled = true;
    $("status").textContent = "Generating …";
    let made = null;
    try {
      checkSeed(body);
      for await (const { data } of events("/generate", { json: { ...body, stream: true }, signal: mine.signal })) {
        if (this.#running !== mine) return;
        made ??= this.#begin(body);
        this.#take(made, data);
      }
      made.whole = true;
    } catch (error) {
      if (this.#running === mine && error.name !== "AbortError") showError($("error"), error, this.#form);
    } finally {
      if (this.#running === mine) this.#end(made, opened);
    }
  }

  #begin(body) {
    const made = unwritten(body);
    this.#lay(made);
    return made;
  }

  /** Prepare the page for the texts: one to be inspected, or several side by side. */
  #lay({ body, texts }) {
    const several = texts.length > 1;
    $("single").hidden = $("colours").hidden = several;
    this.#alternatives.clear();
    if (several) this.#alternatives.begin(body.prompt, texts.length);
    this.#reading.begin(several ? "" : body.prompt);
  }

  #take(made, { index, text, seed, model, version, usage, cached, timing }) {
    Object.assign(made, { model, version });
    if (usage) Object.assign(made, { cached, seconds: timing.total });
    if (index === undefined) return;
    made.texts[index] += text;
    made.seeds[index] = seed;
    this.#write(made, index, text);
  }

  #write({ texts }, index, piece) {
    if (texts.length > 1) this.#alternatives.add(index, piece);
    else this.#reading.add(piece);
  }

  #end(made, opened) {
    this.#running = null;
    $("halt").hidden = true;
    if (made?.seeds.length) this.#settle(made, this.#shown, opened);
    else $("status").textContent = this.#shown === null ? "No text was generated." : `${summary(this.#shown)} (the previous text)`;
    $("again").disabled = this.#shown === null;
  }

  /** The text is complete: it gets its address, and can be inspected, copied and saved. */
  #settle(made, before, opened) {
    this.#shown = made;
    $("status").textContent = `${made.whole ? "" : "Incomplete: "}${same(before, made) ? "The same text: " : ""}${summary(made)}`;
    $("tools").hidden = made.texts.length > 1;
    const address = addressOf(exact(made));
    if (made.whole) this.#known.set(address, made);
    if (opened) history.replaceState(null, "", address);
    else if (address !== location.hash) history.pushState(null, "", address);
    this.#alternatives.end((index) => addressOf(exact(made, index)), (index) => fileName(made, index));
    this.#reading.end({ ...made, text: made.texts.length > 1 ? "" : made.texts[0] });
  }

  #whole() {
    return this.#shown.body.prompt + this.#shown.texts[0];
  }

  /** Show a text that this page has generated before at once; request any other. */
  #recall(address) {
    const made = this.#known.get(address);
    if (!made) return this.#generate(this.body(), true);
    this.#lay(made);
    made.texts.forEach((text, index) => this.#write(made, index, text));
    this.#settle(made, null, true);
    $("again").disabled = false;
    return undefined;
  }

  #clear() {
    this.#running = this.#shown = null;
    $("single").hidden = $("colours").hidden = false;
    $("halt").hidden = $("tools").hidden = $("again").disabled = true;
    $("status").textContent = "";
    this.#alternatives.clear();
    this.#reading.clear();
  }
}
