// The view for a model that writes records: a list that grows while they are generated, to be copied or saved.

import { addressOf, isText } from "./address.js";
import { get, lines } from "./api.js";
import { $, count, h, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { checkSeed, readRecords } from "./request.js";
import { copy, save } from "./saving.js";

const MOST_SHOWN = 1000;
const NO_LABEL = "any";

export class RecordsView {
  path = "/records";
  answer = null;
  #form;
  #separator = "\n";
  #running = null;
  #shown = null;
  #known = new Map();
  #due = false;

  constructor(form) {
    this.#form = form;
    $("copy-records").addEventListener("click", ({ target }) => copy(this.#whole(), target));
    $("copy-records-link").addEventListener("click", ({ target }) => copy(location.href, target));
    $("download-records").addEventListener("click", () => {
      const { model, version, seed } = this.#shown.end;
      save(this.#whole(), `${model}-${version}-seed-${seed}.txt`);
    });
  }

  body() {
    return readRecords(this.#form);
  }

  /** Offer the version's labels. */
  async offer({ name, version }) {
    const { record } = await get(`/models/${name}/versions/${version}`);
    this.#separator = record.separator ?? "\n";
    const { label } = this.#form.elements;
    const before = label.value;
    label.replaceChildren(h("option", { value: "" }, NO_LABEL), ...record.labels.map((each) => h("option", { value: each }, each)));
    label.value = record.labels.includes(before) ? before : "";
    $("labelled").hidden = !record.labels.length;
  }

  /** The form was filled in from these parameters: show their records, if they have a seed. */
  open(parameters) {
    this.#clear();
    if (!isText(parameters)) return;
    const made = this.#known.get(location.hash);
    if (made) this.#lay(made);
    else this.#generate(this.body(), true);
  }

  chosen() {
    this.#clear();
  }

  submit() {
    this.#generate(this.body());
  }

  again() {
    const { model, version, seed } = this.#shown.end;
    this.#form.elements.seed.value = seed;
    this.#generate({ ...this.body(), model: `${model}@${version}` });
  }

  stop() {
    this.#running?.abort();
  }

  leave() {
    this.stop();
    this.#clear();
  }

  async #generate(body, opened = false) {
    this.#running?.abort();
    const mine = (this.#running = new AbortController());
    clearError($("error"), this.#form);
    $("halt").hidden = false;
    $("again").disabled = $("records-tools").hidden = true;
    $("status").textContent = "Generating …";
    const made = { body, texts: [], end: null };
    try {
      checkSeed(body);
      for await (const line of lines("/records", { json: body, signal: mine.signal })) {
        if (this.#running !== mine) return;
        if (line.done) made.end = line;
        else made.texts.push(line.text);
        this.#draw(made);
      }
    } catch (error) {
      if (this.#running === mine && error.name !== "AbortError") showError($("error"), error, this.#form);
    }
    if (this.#running === mine) this.#end(made, opened);
  }

  /** Show what there is, at most once a frame. */
  #draw(made) {
    this.#shown = made;
    if (!this.#due) {
      requestAnimationFrame(() => {
        this.#due = false;
        if (this.#shown) this.#list(this.#shown);
      });
    }
    this.#due = true;
  }

  #list(made) {
    const { texts } = made;
    const list = $("records");
    if (list.made !== made) list.replaceChildren();
    list.made = made;
    const more = texts.slice(list.children.length, MOST_SHOWN);
    list.append(...more.map((text) => h("li", {}, h("span", { dir: "auto" }, text))));
    $("records-note").textContent = texts.length > MOST_SHOWN ? `The first ${number(MOST_SHOWN)} of ${number(texts.length)} are shown; copies and files have all.` : "";
    if (!made.end && this.#running) $("status").textContent = `Generating: ${count(texts.length, "record")} …`;
  }

  #end(made, opened) {
    this.#running = null;
    $("halt").hidden = true;
    if (!made.texts.length && !made.end) {
      $("status").textContent = "No records were generated.";
      return;
    }
    this.#lay(made);
    if (!made.end) return;
    const { model, version, seed } = made.end;
    const address = addressOf({ ...made.body, model: `${model}@${version}`, seed });
    this.#known.set(address, made);
    if (opened) history.replaceState(null, "", address);
    else if (address !== location.hash) history.pushState(null, "", address);
  }

  #lay(made) {
    this.#shown = made;
    this.#list(made);
    $("status").textContent = made.end ? summary(made) : `Incomplete: ${count(made.texts.length, "record")}`;
    $("again").disabled = $("records-tools").hidden = !made.end;
  }

  #whole() {
    return this.#shown.texts.map((text) => text + this.#separator).join("");
  }

  #clear() {
    this.#running = this.#shown = null;
    $("records").replaceChildren();
    $("records-note").textContent = $("status").textContent = "";
    $("halt").hidden = $("records-tools").hidden = $("again").disabled = true;
  }
}

/** How many, how fast, from which version and seed, and whether there are no more. */
function summary({ body, end: { count: made, tried, exhausted, seconds, model, version, seed } }) {
  const passed = tried > made ? `, ${count(tried - made, "candidate")} passed over` : "";
  const only = exhausted ? ` The model has next to no further ones: ${number(made)} of ${number(body.count)}.` : "";
  return `${count(made, "record")} in ${number(seconds * 1000)} ms${passed} — ${model}, version ${version}, seed ${seed}.${only}`;
}
