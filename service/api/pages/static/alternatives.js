// Several texts of one request, shown side by side while they are generated; each has a link of its own.

import { $, h } from "./dom.js";
import { copy, save } from "./saving.js";

/** The grid of them. */
export class Alternatives {
  #texts = [];

  clear() {
    this.#texts = [];
    $("alternatives").replaceChildren();
    $("alternatives").hidden = true;
  }

  begin(prompt, n) {
    this.#texts = Array.from({ length: n }, () => document.createTextNode(""));
    $("alternatives").replaceChildren(...this.#texts.map((text, index) => this.#item(prompt, text, index)));
    $("alternatives").hidden = false;
  }

  add(index, piece) {
    this.#texts[index].appendData(piece);
  }

  /** All are complete: `alone(index)` is the address of one text, `named(index)` its file name. */
  end(alone, named) {
    for (const [index, item] of [...$("alternatives").children].entries()) {
      const text = item.querySelector(".text").textContent;
      const copying = h("button", { type: "button", className: "small" }, "Copy");
      copying.addEventListener("click", () => copy(text, copying));
      item.querySelector(".buttons").replaceChildren(
        h("a", { className: "button small", href: alone(index), "aria-label": `Text ${index + 1} alone` }, "Alone"),
        copying,
        h("button", { type: "button", className: "small", onclick: () => save(text, named(index)) }, "Download"));
    }
  }

  #item(prompt, text, index) {
    const id = `alternative-${index}`;
    return h("li", {},
      h("div", { className: "above" }, h("h3", { id }, `Text ${index + 1}`), h("div", { className: "buttons" })),
      h("div", { className: "text", tabIndex: 0, role: "group", dir: "auto", "aria-labelledby": id },
        h("span", { className: "prompt" }, prompt), text));
  }
}
