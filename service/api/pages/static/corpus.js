// The text to train on: a file, uploaded as soon as it is chosen, or an existing corpus; shown as decoded by the service.

import { all, ask, get } from "./api.js";
import { confirmed } from "./asking.js";
import { showCorpus } from "./corpus-facts.js";
import { $, bytes, h, number } from "./dom.js";
import { suggest } from "./encoding-guesses.js";
import { clearError, showError } from "./errors.js";
import { FirstRecords } from "./first-records.js";
import { arrange } from "./record-form.js";
import { upload } from "./upload.js";

/** The text chosen in the form's controls; `name` is called with a file's name. One endless text is uploaded at once;
    of records the first ones are shown, and the file is uploaded when its id is asked for. */
export class ChosenText {
  #form;
  #first;
  #file = null;
  #looking = Promise.resolve();
  #pending = Promise.resolve(null);
  #sending = null;
  #sent = null;

  constructor(form, name) {
    this.#form = form;
    this.#first = new FirstRecords(form);
    const { file, corpus, encoding, newlines } = form.elements;
    const again = () => this.#begin(this.#file, encoding.value.trim());
    file.addEventListener("change", () => {
      if (file.files.length) name(file.files[0].name);
      this.#first.clear();
      this.#begin(file.files[0]);
    });
    corpus.addEventListener("change", () => this.choose(corpus.value));
    $("read-again").addEventListener("click", again);
    newlines.addEventListener("change", again);
    $("records").addEventListener("change", () => {
      arrange(form);
      this.#look();
    });
    $("divide-lines").addEventListener("click", () => {
      form.elements.unit.value = "line";
      $("records").open = true;
      arrange(form);
      this.#look();
      form.elements.unit.focus();
    });
    $("stop-upload").addEventListener("click", () => this.#sending?.abort());
    $("discard").addEventListener("click", () => this.#discard());
  }

  /** The id of the text, once it is uploaded. Throws the error of the upload. */
  async id() {
    await this.#looking;
    let corpus = await this.#pending;
    if (corpus === null && this.#file) {
      this.#wait(this.#send(this.#file));
      corpus = await this.#pending;
    }
    if (corpus === null) throw Object.assign(new Error("Choose a text first."), { param: "file" });
    return corpus.id;
  }

  /** Choose an existing text; "" for none. */
  choose(id) {
    this.#form.elements.file.value = this.#form.elements.encoding.value = "";
    this.#form.elements.corpus.value = id;
    this.#file = this.#sent = null;
    $("reread").hidden = true;
    this.#first.clear();
    this.#wait(id ? get(`/corpora/${id}`) : Promise.resolve(null));
    if (id) this.#look();
  }

  /** Fill the list of existing texts, the newest first. */
  async offer(wanted = this.#form.elements.corpus.value) {
    const { items: corpora } = await all("/corpora", "corpora");
    const options = corpora.map(({ id, name, bytes: size, damaged }) =>
      h("option", { value: id }, `${name || id.slice(0, 12)} (${damaged ? "damaged" : bytes(size)})`));
    this.#form.elements.corpus.replaceChildren(h("option", { value: "" }, "none"), ...options);
    this.#form.elements.corpus.value = wanted;
    $("earlier").hidden = !corpora.length;
  }

  #begin(file, encoding = "") {
    this.#sending?.abort();
    $("guesses").replaceChildren();
    if (!file) return this.choose("");
    this.#file = file;
    if (!encoding) this.#form.elements.encoding.value = "";
    this.#form.elements.corpus.value = "";
    $("reread").hidden = true;
    this.#wait(Promise.resolve(null));
    return this.#look();
  }

  #look() {
    this.#looking = this.#file ? this.#read(this.#file) : this.#readAgain();
  }

  /** Read the uploaded text's beginning as the form says. */
  async #readAgain() {
    clearError($("text-error"), this.#form);
    try {
      const corpus = await this.#pending;
      if (corpus === null || corpus.damaged) return;
      await this.#first.ofCorpus(corpus.id);
      $("first-note").hidden = true;
    } catch (error) {
      if (error.name !== "AbortError") showError($("text-error"), error, this.#form);
    }
  }

  /** Read the file's beginning as the form says; upload the file unless it has records. */
  async #read(file) {
    clearError($("text-error"), this.#form);
    try {
      const divided = await this.#first.ofFile(file, this.#decoding());
      $("reread").hidden = false;
      $("first-note").hidden = !$("preview").hidden;
      if (divided) this.#sending?.abort();
      else if (!this.#sending && (await this.#pending) === null) this.#wait(this.#send(file));
    } catch (error) {
      if (error.name !== "AbortError") showError($("text-error"), suggest(error, (encoding) => this.#take(encoding)), this.#form);
    }
  }

  /** How the file is decoded, as parameters of a request. */
  #decoding() {
    const { encoding, newlines } = this.#form.elements;
    const given = { encoding: encoding.value.trim(), newlines: newlines.checked ? newlines.value : "" };
    return Object.fromEntries(Object.entries(given).filter(([, value]) => value));
  }

  /** Upload the file, and show the result or the error. */
  async #wait(pending) {
    this.#pending = pending;
    $("preview").hidden = true;
    clearError($("text-error"), this.#form);
    try {
      const corpus = await pending;
      if (this.#pending === pending && corpus !== null) showCorpus(corpus);
    } catch (error) {
      if (this.#pending !== pending) return;
      this.#pending = Promise.resolve(null);
      if (error.name === "AbortError") return;
      showError($("text-error"), suggest(error, (encoding) => this.#take(encoding)), this.#form);
    }
  }

  async #send(file) {
    const mine = (this.#sending = new AbortController());
    $("upload").hidden = $("stop-upload").hidden = false;
    const query = new URLSearchParams({ name: file.name, ...this.#decoding() });
    try {
      const { status, body } = await upload(`/corpora?${query}`, file, "text/plain", showProgress, mine.signal);
      await this.#replace(status === 201 ? body : null, body);
      return body;
    } finally {
      if (this.#sending === mine) {
        this.#sending = null;
        $("upload").hidden = $("stop-upload").hidden = true;
        $("upload-note").textContent = "";
      }
    }
  }

  /** Replace a corpus that was decoded wrongly by the same file with another encoding. */
  async #replace(sent, { id }) {
    const before = this.#sent;
    this.#sent = sent;
    if (before && before.id !== id) await ask(`/corpora/${before.id}`, { method: "DELETE" }).catch(() => {});
    await this.offer(id);
  }

  #take(encoding) {
    this.#form.elements.encoding.value = encoding;
    $("read-again").click();
  }

  async #discard() {
    const corpus = await this.#pending;
    if (!(await confirmed(`Delete the text ${corpus.name || corpus.id}? Models trained on it are kept.`, "Delete it"))) return;
    try {
      await ask(`/corpora/${corpus.id}`, { method: "DELETE" });
      this.choose("");
      await this.offer("");
    } catch (error) {
      showError($("text-error"), error, this.#form);
    }
  }
}

function showProgress(share) {
  $("upload").value = share;
  $("upload-note").textContent = share < 1 ? `Sending: ${number(100 * share)} %` : "Sent; the service is decoding it …";
}
