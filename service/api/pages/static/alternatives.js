// Texts side by side, shown while they are generated.

import { h } from "./dom.js";

let lists = 0;

/** The grid of them, in a list. */
export class Alternatives {
  #list;
  #name = `alternative-${(lists += 1)}`;
  #texts = [];

  constructor(list) {
    this.#list = list;
  }

  clear() {
    this.#texts = [];
    this.#list.replaceChildren();
    this.#list.hidden = true;
  }

  /** One for each title; the prompt is what precedes each text. */
  begin(prompt, titles) {
    this.#texts = titles.map(() => document.createTextNode(""));
    this.#list.replaceChildren(...titles.map((title, index) => this.#item(prompt, title, index)));
    this.#list.hidden = false;
  }

  add(index, piece) {
    this.#texts[index].appendData(piece);
  }

  /** One is complete: what can be done with it. */
  offer(index, ...tools) {
    this.item(index).querySelector(".buttons").replaceChildren(...tools);
  }

  /** Where one is shown. */
  item(index) {
    return this.#texts[index].parentElement.closest("li");
  }

  /** The text of one, which is appended to. */
  node(index) {
    return this.#texts[index];
  }

  #item(prompt, title, index) {
    const id = `${this.#name}-${index}`;
    return h("li", {},
      h("div", { className: "above" }, h("h3", { id }, title), h("div", { className: "buttons" })),
      h("div", { className: "text", tabIndex: 0, role: "group", dir: "auto", "aria-labelledby": id },
        h("span", { className: "prompt" }, prompt), this.#texts[index]));
  }
}

/** A link to one of them as a text of its own. */
export const link = (href, name) => h("a", { className: "button small", href, "aria-label": name }, "Alone");

/** A button that does this. */
export const tool = (label, act) => h("button", { type: "button", className: "small", onclick: act }, label);
