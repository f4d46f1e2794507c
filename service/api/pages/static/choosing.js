// The characters of a text that is complete, of which one can be chosen, with the pointer or with the arrow keys and Enter.

import { KEYS, move } from "./coloured.js";
import { h } from "./dom.js";

const MOST = 10_000;

/** Lets characters of the text in this node, which is the last of its box, be chosen: `chosen` is told how many UTF-16
    units the text has up to the end of one, `looked` what they are. More text may follow in the node. */
export class Choosing {
  #box;
  #node;
  #chosen;
  #looked;
  #index = null;

  constructor(node, chosen, looked) {
    [this.#box, this.#node, this.#chosen, this.#looked] = [node.parentElement, node, chosen, looked];
    this.#box.setAttribute("aria-keyshortcuts", "ArrowLeft ArrowRight ArrowUp ArrowDown Home End Enter");
    this.#box.addEventListener("pointerover", () => this.#characters());
    this.#box.addEventListener("click", (event) => this.#click(event));
    this.#box.addEventListener("keydown", (event) => this.#walk(event));
  }

  /** The characters, each in an element of its own. */
  #characters() {
    const before = this.#box.getElementsByTagName("i");
    const more = Array.from(this.#node.data.slice(0, 2 * MOST)).slice(0, Math.max(0, MOST - before.length));
    this.#node.before(...more.map((character) => h("i", {}, character)));
    this.#node.data = this.#node.data.slice(more.join("").length);
    return [...before];
  }

  #click({ clientX, clientY }) {
    if (!getSelection().isCollapsed) return;
    const index = this.#characters().indexOf(document.elementFromPoint(clientX, clientY));
    if (index >= 0) this.#choose(index);
  }

  #walk(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const all = this.#characters();
    if (!all.length || (event.key !== "Enter" && !KEYS.has(event.key))) return;
    event.preventDefault();
    if (event.key === "Enter") return this.#choose(this.#index ?? all.length - 1);
    this.#look(all, move(all, this.#index ?? 0, event.key));
  }

  #choose(index) {
    this.#chosen(this.#look(this.#characters(), index).length);
  }

  #look(all, index) {
    if (this.#index !== null) all[this.#index]?.classList.remove("chosen");
    this.#index = index;
    all[index].classList.add("chosen");
    all[index].scrollIntoView({ block: "nearest" });
    const text = all.slice(0, index + 1).map(({ textContent }) => textContent).join("");
    this.#looked(text);
    return text;
  }
}
