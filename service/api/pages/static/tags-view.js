// The view for a model that tags: the text in coloured spans, each underlined and named as well, with a legend.

import { get } from "./api.js";
import { $, columns, count, h, number } from "./dom.js";
import { TypedView } from "./typed-view.js";

const COLOURS = 8;
const STYLES = 4;

export class TagsView extends TypedView {
  path = "/tag";
  task = "tag";
  hint = "The tags follow while you type.";
  answer = '["results"][0]["spans"]';
  #tags = [];
  #only = null;
  #found = null;

  constructor(form, reading) {
    super(form, reading);
    $("named").addEventListener("change", ({ target }) => $("tagged").classList.toggle("named", target.checked));
    $("spans").addEventListener("toggle", () => this.#table());
  }

  /** Give each of the version's tags its colour. */
  async offer({ name, version }) {
    const { record } = await get(`/models/${name}/versions/${version}`);
    this.#tags = record.labels;
    this.#only = null;
  }

  show({ model, version, results: [{ spans }] }, text) {
    const characters = Array.from(text);
    this.#found = { spans, piece: (from, to) => characters.slice(from, to).join("") };
    $("status").textContent = `${count(spans.length, "span")} — ${model}, version ${version}`;
    this.#draw(characters.length);
    this.reading.show({ body: { prompt: "" }, text, model, version, task: this.task });
  }

  clear() {
    this.reading.clear();
    this.#found = null;
    $("tagged").replaceChildren(h("span", { className: "empty" }, "No text yet."));
    $("kinds").replaceChildren();
    $("spans").hidden = true;
  }

  #draw(end) {
    const { spans, piece } = this.#found;
    const parts = [];
    let at = 0;
    for (const span of spans) {
      if (span.start > at) parts.push(piece(at, span.start));
      parts.push(this.#span(span, piece(span.start, span.end)));
      at = span.end;
    }
    $("tagged").replaceChildren(...parts, piece(at, end));
    this.#legend();
    $("spans").hidden = false;
    this.#table();
  }

  #span({ tag, probability }, text) {
    const dim = this.#only !== null && this.#only !== tag ? " dim" : "";
    return h("mark", { className: this.#kind(tag) + dim, "data-tag": tag, title: `${tag}, ${percent(probability)}` }, text);
  }

  #kind(tag) {
    const index = Math.max(0, this.#tags.indexOf(tag));
    return `kind-${index % COLOURS} line-${Math.floor(index / COLOURS) % STYLES}`;
  }

  /** The tags that occur, each a button that shows it alone. */
  #legend() {
    const counts = Map.groupBy(this.#found.spans, ({ tag }) => tag);
    const present = [...counts.keys()].toSorted((one, other) => this.#tags.indexOf(one) - this.#tags.indexOf(other));
    const focused = document.activeElement?.dataset.tag;
    $("kinds").replaceChildren(...present.map((tag) =>
      h("li", {}, h("button", { type: "button", className: `small ${this.#kind(tag)}`, "data-tag": tag,
        "aria-pressed": String(this.#only === tag), onclick: () => this.#alone(tag) },
      tag, " ", h("small", {}, number(counts.get(tag).length))))));
    if (focused) $("kinds").querySelector(`[data-tag="${CSS.escape(focused)}"]`)?.focus();
  }

  #alone(tag) {
    this.#only = this.#only === tag ? null : tag;
    for (const mark of $("tagged").querySelectorAll("mark")) {
      mark.classList.toggle("dim", this.#only !== null && mark.dataset.tag !== this.#only);
    }
    this.#legend();
  }

  #table() {
    if (!$("spans").open || !this.#found) return;
    const { spans, piece } = this.#found;
    $("spans-table").replaceChildren(h("table", {}, columns("From", "To", "Tag", "Probability", "Text"),
      h("tbody", {}, ...spans.map(({ start, end, tag, probability }) =>
        h("tr", {}, ...[number(start), number(end), tag, percent(probability), h("code", {}, piece(start, end))].map((each) => h("td", {}, each)))))));
  }
}

const percent = (share) => `${number(100 * share, 1)} %`;
