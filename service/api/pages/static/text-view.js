// The view for a model of endless text: the text is shown while it is generated, can go on, and gets an address that
// reproduces it.

import { addressOfSteps, isText, stepsOf } from "./address.js";
import { Alternatives, link, tool } from "./alternatives.js";
import { arriving, begun, endOfText } from "./continuing.js";
import { $ } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { Forking } from "./forking.js";
import { patternIn } from "./pattern.js";
import { checkSeed, read, readOnward } from "./request.js";
import { copy, save } from "./saving.js";
import { beginning, entire, exact, fileName, passages, same, summary, written } from "./text.js";
import { LOST } from "./text-events.js";
import { Turn } from "./turn.js";

/** `reading` shows one text; `asked` is called when the form's request has changed. */
export class TextView {
  path = "/generate";
  answer = '["text"]';
  #form;
  #lists;
  #asked;
  #reading;
  #forking;
  #turn = new Turn(() => this.#goOn());
  #alternatives = new Alternatives($("alternatives"));
  #known = new Map();
  #running = null;
  #shown = null;
  #suggested = "";

  constructor(form, lists, reading, asked) {
    [this.#form, this.#lists, this.#reading, this.#asked] = [form, lists, reading, asked];
    this.#forking = new Forking(form, (made) => this.#keep(made));
    reading.chosen = (length) => this.#choose(length);
    $("copy-text").addEventListener("click", ({ target }) => copy(entire(this.#shown), target));
    $("copy-link").addEventListener("click", ({ target }) => copy(location.href, target));
    $("download").addEventListener("click", () => save(entire(this.#shown), fileName(this.#shown)));
  }

  body() {
    return read(this.#form);
  }

  /** The form was filled in from these parameters: show their text, if they are a text's. */
  open(parameters) {
    if (!parameters.has("prompt")) this.#form.elements.prompt.value = this.#suggested = this.#lists.prompt;
    this.#asked();
    if (isText(parameters)) this.#recall(location.hash, stepsOf(parameters) ?? [this.body()]);
    else this.#clear();
  }

  /** For another model, use its default prompt unless the user has written one. */
  chosen(anew) {
    const { prompt } = this.#form.elements;
    if (prompt.value === this.#suggested) prompt.value = this.#suggested = this.#lists.prompt;
    if (anew) this.#clear();
  }

  submit() {
    this.#generate([this.body()]);
  }

  /** A text that went on is generated as it is; any other with the form's settings. */
  again() {
    const { steps, seeds, model, version } = this.#shown;
    if (steps.length > 1) return this.#generate(steps);
    this.#form.elements.seed.value = seeds[0];
    this.#asked();
    return this.#generate([{ ...this.body(), model: `${model}@${version}` }]);
  }

  stop() {
    this.#running?.abort();
  }

  /** Another view, or another text, is shown from now on. */
  leave() {
    this.stop();
    this.#running = null;
    this.#idle(true);
  }

  /** Go on where the text ended, after what the user has written. */
  async #goOn() {
    if (this.#running || this.#shown === null) return;
    const made = this.#shown;
    const onward = { ...readOnward(this.#form, made.steps), ...this.#turn.prompt };
    const fail = (error) => this.#turn.fail(error, this.#form);
    await this.#generate(endOfText(made).then((steps) => [...steps, onward]), { fail });
    if (this.#shown !== made) this.#turn.read(onward);
  }

  #choose(length) {
    if (this.#form.dataset.view !== "text" || this.#running || this.#shown === null || fits(this.#shown)) return;
    this.#forking.choose(this.#shown, Math.max(0, length - this.#shown.steps[0].prompt.length), $("text"));
  }

  /** Generate the text of these requests and show it as it arrives, with its status; the previous text stays until the
      first piece arrives. */
  async #generate(asked, { opened = false, fail = (error) => showError($("error"), error, this.#form) } = {}) {
    this.#running?.abort();
    const mine = (this.#running = new AbortController());
    clearError($("error"), this.#form);
    this.#turn.clear(this.#form);
    this.#idle(false);
    $("status").textContent = "Generating …";
    let made = null;
    try {
      const steps = await asked;
      checkSeed(steps.at(-1));
      const next = await begun(steps);
      const lost = () => ($("status").textContent = LOST);
      for await (const { index, text } of arriving(next, mine.signal, lost)) {
        if (this.#running !== mine) return;
        $("status").textContent = "Generating …";
        if (made === null) this.#lay(next);
        made = next;
        if (index !== undefined) this.#write(made, index, text);
      }
    } catch (error) {
      if (this.#running === mine && error.name !== "AbortError") fail(error);
    } finally {
      if (this.#running === mine) this.#end(made, opened);
    }
  }

  /** Whether nothing is being generated. */
  #idle(isIdle) {
    $("halt").hidden = isIdle;
    $("again").disabled = this.#turn.disabled = !isIdle || this.#shown === null;
  }

  /** Prepare the page for the texts: one to be inspected, or several side by side. */
  #lay(made) {
    const several = made.texts.length > 1;
    $("single").hidden = $("colours").hidden = several;
    this.#forking.show(null);
    this.#alternatives.clear();
    if (several) this.#alternatives.begin(beginning(made), made.texts.map((_, index) => `Text ${index + 1}`));
    this.#reading.begin(several ? "" : made.steps[0].prompt);
    if (several) return;
    for (const [at, passage] of passages(made).slice(0, -1).entries()) {
      if (at % 2) this.#reading.turn(passage);
      else this.#reading.add(passage);
    }
  }

  #write({ texts }, index, piece) {
    if (texts.length > 1) this.#alternatives.add(index, piece);
    else this.#reading.add(piece);
  }

  #end(made, opened) {
    this.#running = null;
    if (made?.seeds.length) this.#settle(made, this.#shown, opened);
    else $("status").textContent = this.#shown === null ? "No text was generated." : `${summary(this.#shown)} (the previous text)`;
    this.#idle(true);
  }

  /** The text is complete: it gets its address, can go on, and can be inspected, copied and saved. */
  #settle(made, before, opened) {
    this.#shown = made;
    $("status").textContent = `${made.whole ? "" : "Incomplete: "}${same(before, made) ? "The same text: " : ""}${summary(made)}`;
    const several = made.texts.length > 1;
    $("tools").hidden = several;
    this.#turn.hidden = several || (fits(made) && !made.whole);
    $("click-hint").hidden = fits(made);
    const address = addressOfSteps(exact(made));
    this.#keep(made);
    if (opened) history.replaceState(null, "", address);
    else if (address !== location.hash) history.pushState(null, "", address);
    if (several) made.texts.forEach((_, index) => this.#offer(made, index));
    this.#reading.end({ ...made, body: made.steps[0], text: several ? "" : written(made) });
    this.#forking.show(several ? null : made);
  }

  #offer(made, index) {
    const text = entire(made, index);
    this.#alternatives.offer(index,
      link(addressOfSteps(exact(made, index)), `Text ${index + 1} alone`),
      tool("Copy", ({ target }) => copy(text, target)),
      tool("Download", () => save(text, fileName(made, index))));
  }

  #keep(made) {
    if (made.whole) this.#known.set(addressOfSteps(exact(made)), made);
  }

  /** Show a text that this page has generated before at once; request any other. */
  #recall(address, steps) {
    const made = this.#known.get(address);
    if (!made) return this.#generate(steps, { opened: true });
    this.#lay(made);
    made.texts.forEach((text, index) => this.#write(made, index, text));
    this.#settle(made, null, true);
    this.#idle(true);
    return undefined;
  }

  #clear() {
    this.#running = this.#shown = null;
    $("single").hidden = $("colours").hidden = false;
    $("tools").hidden = this.#turn.hidden = true;
    this.#idle(true);
    $("status").textContent = "";
    this.#forking.show(null);
    this.#alternatives.clear();
    this.#reading.clear();
  }
}

/** Whether a text had to fit a pattern. It then depends on its length, so that a part of it cannot be had alone: it can be
    gone on with at its end, if it is whole, and nowhere else. */
const fits = ({ steps }) => steps.some((step) => Object.keys(patternIn([step])).length);
