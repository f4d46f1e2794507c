// The interpretable cells of a version, with scores, chance and pictures.

import { all, get, picture } from "./api.js";
import { columns, count, h, number } from "./dom.js";
import { key } from "./key.js";

/** What is known of them; if they were not searched yet, an admin can start the search. */
export function cells(version) {
  const element = h("div", {}, h("p", { className: "hint" }, "…"));
  const show = (...children) => element.replaceChildren(...children);
  const fail = (error) => show(h("p", { className: "wrong", role: "alert" }, error.message));
  if (version.cells) get(version.cells).then((found) => show(...table(version, found)), fail);
  else search(version, show).then((form) => show(...form), fail);
  return element;
}

function table(version, { cells: found, not_found: none, undecided, measured_on: on }) {
  const where = `Measured on ${count(on.characters, "character")}${on.held_out ? " of held-out text" : ""}.`;
  const shown = h("div", { "aria-live": "polite" });
  const lines = found.map((cell) => line(version, cell, shown));
  return [
    found.length
      ? h("div", { className: "scroll", tabIndex: 0, role: "group", "aria-label": "Cells" },
          h("table", {}, columns("Follows", "Cell", "Score", "By chance", "Measure", ""), h("tbody", {}, ...lines)))
      : h("p", {}, "No cell follows anything that was looked for clearly better than chance would."),
    h("p", { className: "hint" }, where), shown,
    ...missing("What no cell follows", none), ...missing("What this text does not tell", undecided)];
}

function line(version, cell, shown) {
  const { slug, follows, layer, unit, part, score, chance, measure, sign } = cell;
  const position = `layer ${layer}, unit ${unit}, ${part}${sign < 0 ? "; low where it holds" : ""}`;
  const values = [follows, position, number(score, 3), number(chance, 3), measure === "auc" ? "AUC" : measure];
  const button = h("button", { type: "button", className: "small", "aria-label": `Picture of the cell that follows ${follows}`,
    onclick: () => draw(version, cell, shown) }, "Picture");
  const link = h("a", { className: "button small", href: `../#model=${version.model}%40${version.version}&cell=${slug}`,
    "aria-label": `Play, coloured by the cell that follows ${follows}` }, "Play");
  return h("tr", {}, ...values.map((value) => h("td", {}, value)), h("td", { className: "actions" }, button, link));
}

async function draw({ model, version }, { slug, follows }, shown) {
  try {
    const src = await picture(`/models/${model}/versions/${version}/cells/${slug}.svg`);
    const alt = `A text by the model, coloured by the cell that follows ${follows}`;
    shown.replaceChildren(h("img", { className: "picture", src, alt }));
  } catch (error) {
    shown.replaceChildren(h("p", { className: "wrong" }, error.message));
  }
}

function missing(heading, none) {
  if (!none.length) return [];
  const reasons = Map.groupBy(none, ({ reason }) => reason);
  const items = [...reasons].map(([reason, all]) => h("li", {}, `${all.map(({ follows }) => follows).join(", ")}: ${reason}`));
  return [h("details", {}, h("summary", { className: "hint" }, heading), h("ul", { className: "hint" }, ...items))];
}

/** The form with which an admin starts the search. */
async function search(version, show) {
  const unknown = h("p", { className: "hint" }, "Not searched yet; an admin can start the search.");
  if (!key()) return [unknown];
  const { items: corpora } = await all("/corpora", "corpora");
  if (!corpora.length) return [unknown];
  const texts = h("select", {}, ...corpora.map(({ id, name }) => h("option", { value: id }, name || id.slice(0, 12))));
  const own = corpora.find(({ sha256 }) => sha256 === version.record.corpus?.sha256);
  if (own) texts.value = own.id;
  const button = h("button", { className: "small" }, "Search");
  const form = h("form", { className: "buttons" }, h("label", {}, "In the text ", texts), button);
  form.addEventListener("submit", (event) => find(event, version, texts.value, button, show));
  return [h("p", { className: "hint" }, "Not searched yet."), form];
}

async function find(event, version, corpus, button, show) {
  event.preventDefault();
  button.disabled = true;
  button.textContent = "Searching …";
  try {
    const json = { corpus, unknown: "skip" };
    show(...table(version, await get(`/models/${version.model}/versions/${version.version}/cells`, { json })));
  } catch (error) {
    show(h("p", { className: "wrong", role: "alert" }, error.message));
  }
}
