// The text on the page: it grows while it is generated; once complete it can be coloured and inspected token by token.

import { get } from "./api.js";
import { byCell, bySurprise, characters, describe, KEYS, labelled, lengthTo, move, plain } from "./coloured.js";
import { $, count, h, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { chosenCell } from "./held-cell.js";

const BOTTOM = 40;

/** The text and its trace; `longest` is the maximum number of characters in a trace, `asked` the interpretable cell to
    colour the first text by, if any. */
export class Reading {
  #longest;
  #node = null;
  #waiting = "";
  #made = null;
  #trace = null;
  #traced = null;
  #rest = "";
  #index = null;
  #offered = "";
  #opening = null;
  #asked;

  /** Told when a character is chosen with a click or Enter: how many UTF-16 units there are up to its end. */
  chosen = () => {};

  constructor(longest, asked) {
    this.#longest = longest;
    this.#asked = asked;
    const text = $("text");
    text.addEventListener("pointerover", (event) => this.#look(event.target));
    text.addEventListener("pointerdown", (event) => this.#look(event.target));
    text.addEventListener("click", (event) => this.#click(event));
    text.addEventListener("focus", () => this.#open());
    text.addEventListener("keydown", (event) => this.#walk(event));
    for (const id of ["colour", "layer", "cell", "part"]) $(id).addEventListener("change", () => this.#colour());
  }

  /** Show that there is no text. */
  clear() {
    this.begin("");
    this.end({ text: "" });
    $("text").replaceChildren(h("span", { className: "empty" }, "No text yet."));
  }

  begin(prompt) {
    this.#made = this.#trace = this.#traced = this.#index = null;
    this.#waiting = "";
    this.#node = document.createTextNode("");
    $("text").replaceChildren(h("span", { className: "prompt" }, prompt), this.#node);
    $("text").classList.add("streaming");
    $("text").setAttribute("aria-busy", "true");
    $("inspector").hidden = $("legend").hidden = true;
    clearError($("trace-error"));
  }

  /** Add a piece; pieces arrive faster than the screen is redrawn, so they are shown together. */
  add(piece) {
    if (!this.#waiting) requestAnimationFrame(() => this.#write());
    this.#waiting += piece;
  }

  /** Add what the user has written between pieces. */
  turn(prompt) {
    this.#write();
    this.#node = document.createTextNode("");
    $("text").append(h("span", { className: "prompt" }, prompt), this.#node);
  }

  #write() {
    const box = $("text");
    const follow = box.scrollHeight - box.scrollTop - box.clientHeight < BOTTOM;
    this.#node.appendData(this.#waiting);
    this.#waiting = "";
    if (follow) box.scrollTop = box.scrollHeight;
  }

  end(made) {
    this.#write();
    $("text").classList.remove("streaming");
    $("text").setAttribute("aria-busy", "false");
    if (!made.text) return;
    this.#made = made;
    this.#offerColours();
    if ($("colour").value || document.activeElement === $("text")) this.#colour();
  }

  /** Show this text, which is complete: `{body, text, model, version, task}`. */
  show(made) {
    $("single").hidden = $("colours").hidden = false;
    this.begin(made.body.prompt);
    this.add(made.text);
    this.end(made);
  }

  /** Offer surprisal, if the version's task has any, and the interpretable cells as colours. */
  async #offerColours() {
    $("surprise").hidden = labelled(this.#made.task);
    if ($("surprise").hidden && $("surprise").selected) $("colour").value = "";
    const { model, version } = this.#made;
    if (this.#offered === `${model}@${version}`) return;
    this.#offered = `${model}@${version}`;
    document.getElementById("found")?.remove();
    chosenCell();
    try {
      const { cells: path } = await get(`/models/${model}/versions/${version}`);
      if (path) this.#show((await get(path)).cells);
    } catch (error) {
      showError($("trace-error"), error, $("play"));
    }
  }

  #show(cells) {
    const options = cells.map(({ slug, follows, layer, unit, part, score }) =>
      h("option", { value: JSON.stringify({ layer, unit, part }), "data-slug": slug }, `${follows} (${number(score, 2)})`));
    $("colour").append(h("optgroup", { id: "found", label: "a cell that follows …" }, ...options));
    const wanted = options.find(({ dataset }) => dataset.slug === this.#asked);
    this.#asked = null;
    if (!wanted) return;
    $("colour").value = wanted.value;
    this.#colour();
  }

  async #colour() {
    const cell = chosenCell();
    if (!this.#made) return;
    clearError($("trace-error"));
    try {
      await this.#read(cell ? [cell] : []);
      this.#paint();
    } catch (error) {
      showError($("trace-error"), error, $("play"));
    }
  }

  /** Trace the text, unless it was traced with these cells already. */
  async #read(cells) {
    const { body, text, model, version } = this.#made;
    const whole = Array.from(body.prompt + text);
    const wanted = { model: `${model}@${version}`, text: whole.slice(0, this.#longest).join(""), cells, unknown: "skip" };
    if (this.#traced === JSON.stringify(wanted)) return;
    const trace = await get("/trace", { json: wanted });
    [this.#trace, this.#traced, this.#rest] = [trace, JSON.stringify(wanted), whole.slice(this.#longest).join("")];
  }

  #paint() {
    const trace = this.#trace;
    const how = $("colour").value;
    const shade = how === "surprise" ? bySurprise(trace) : trace.cells.length ? byCell(trace.cells[0]) : plain;
    $("text").replaceChildren(...characters(trace, shade), this.#rest);
    this.#legend(how);
    if (this.#index !== null) this.#choose(Math.min(this.#index, trace.tokens.length - 1));
  }

  #legend(how) {
    const legend = how === "surprise"
      ? ["expected", h("span", { className: "scale surprise" }), "surprising (8 bits or more)"]
      : ["negative", h("span", { className: "scale cell" }), "positive"];
    const rest = this.#rest ? `Only the first ${count(this.#longest, "character")} ${this.#longest === 1 ? "is" : "are"} analysed.` : "";
    const held = this.#made.body.set?.length ? "Read without holding the cell. " : "";
    $("legend").replaceChildren(...legend, held, rest);
    $("legend").hidden = !how;
  }

  /** Inspect the text: the first inspection traces it, only once. */
  async #open() {
    if (!this.#made || this.#trace) return;
    this.#opening ??= this.#colour().finally(() => (this.#opening = null));
    await this.#opening;
  }

  async #look(target) {
    await this.#open();
    const index = target.closest?.("i")?.dataset.index;
    if (index !== undefined && this.#trace) this.#choose(Number(index));
  }

  /** A click that has not marked a part of the text chooses the character. */
  async #click({ clientX, clientY }) {
    if (!getSelection().isCollapsed) return;
    await this.#open();
    const index = document.elementFromPoint(clientX, clientY)?.closest("#text i")?.dataset.index;
    if (index !== undefined && this.#trace) this.#tell(Number(index));
  }

  #tell(index) {
    this.#choose(index);
    const { body, text } = this.#made;
    this.chosen(lengthTo(this.#trace.tokens, index, body.prompt + text));
  }

  async #walk(event) {
    const enters = event.key === "Enter";
    if (!this.#made || !(enters || KEYS.has(event.key)) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    await this.#open();
    if (!this.#trace) return;
    if (enters) return this.#tell(this.#index ?? this.#trace.tokens.length - 1);
    const index = move($("text").children, this.#index ?? 0, event.key);
    this.#choose(index);
    $("text").children[index].scrollIntoView({ block: "nearest" });
  }

  #choose(index) {
    $("text").querySelector(".chosen")?.classList.remove("chosen");
    $("text").children[index].classList.add("chosen");
    this.#index = index;
    $("inspector").replaceChildren(...describe(this.#trace, index, this.#made.task));
    $("inspector").hidden = false;
  }
}
