// The view for a model that writes records: a list that grows while they are generated, to be copied or saved.

import { addressOf, isText } from "./address.js";
import { get, lines } from "./api.js";
import { $, count, h, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { leftOut } from "./pattern.js";
import { checkSeed, readRecords } from "./request.js";
import { copy, save } from "./saving.js";

const KEYS = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity };
const MOST_SHOWN = 1000;
const NO_LABEL = "any";

export class RecordsView {
  path = "/records";
  answer = null;
  #form;
  #reading;
  #chosen = null;
  #separator = "\n";
  #running = null;
  #shown = null;
  #known = new Map();
  #listed = null;
  #due = false;

  constructor(form, reading) {
    [this.#form, this.#reading] = [form, reading];
    $("records").addEventListener("click", ({ target }) => this.#choose(target.closest("li")));
    $("records").addEventListener("keydown", (event) => this.#walk(event));
    $("copy-records").addEventListener("click", ({ target }) => copy(this.#whole(), target));
    $("copy-records-link").addEventListener("click", ({ target }) => copy(location.href, target));
    $("download-records").addEventListener("click", () => {
      const { body, end } = this.#shown;
      save(this.#whole(), end ? `${end.model}-${end.version}-seed-${end.seed}.txt` : `${body.model.replace("@", "-")}.txt`);
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
    if (this.#listed !== made) {
      list.replaceChildren();
      this.#chosen = null;
      this.#reading.clear();
    }
    this.#listed = made;
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
    $("again").disabled = $("copy-records-link").hidden = !made.end;
    $("records-tools").hidden = !made.texts.length;
  }

  /** Show a record character by character. */
  #choose(item) {
    if (!item || !this.#shown?.end) return;
    this.#chosen?.removeAttribute("aria-current");
    this.#chosen = item;
    item.setAttribute("aria-current", "true");
    item.scrollIntoView({ block: "nearest" });
    const { model, version } = this.#shown.end;
    const text = this.#shown.texts[[...$("records").children].indexOf(item)];
    this.#reading.show({ body: { prompt: "" }, text, model, version });
  }

  #walk(event) {
    const { children } = $("records");
    if (!(event.key in KEYS) || event.ctrlKey || event.metaKey || event.altKey || !children.length) return;
    event.preventDefault();
    const index = [...children].indexOf(this.#chosen) + KEYS[event.key];
    this.#choose(children[Math.min(children.length - 1, Math.max(0, index))]);
  }

  #whole() {
    return this.#shown.texts.map((text) => text + this.#separator).join("");
  }

  #clear() {
    this.#running = this.#shown = this.#chosen = null;
    this.#reading.clear();
    $("records").replaceChildren();
    $("records-note").textContent = $("status").textContent = "";
    $("halt").hidden = $("records-tools").hidden = $("again").disabled = true;
  }
}

/** How many, how fast, from which version and seed, and whether there are no more. */
function summary({ body, end: { count: made, tried, exhausted, seconds, model, version, seed, pattern_skipped: skipped } }) {
  const passed = tried > made ? `, ${count(tried - made, "candidate")} passed over` : "";
  const only = exhausted ? ` The model has next to no further ones: ${number(made)} of ${number(body.count)}.` : "";
  return `${count(made, "record")} in ${number(seconds * 1000)} ms${passed} — ${model}, version ${version}, seed ${seed}.${only}${leftOut(skipped)}`;
}
