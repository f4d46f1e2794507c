// Models: their versions, what each is made of, and which one serves.

import { ask, get } from "./api.js";
import { $, bytes, columns, h, moment, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { onKey } from "./key.js";
import { about } from "./version.js";

const CELLS = { lstm: "LSTM", gru: "GRU", rnn: "RNN" };
const opened = new Set();

async function start() {
  clearError($("page-error"));
  try {
    const { models } = await get("/models");
    const all = await Promise.all(models.map(({ name }) => get(`/models/${name}`)));
    $("models").replaceChildren(...all.map(card));
    if (!all.length) $("models").replaceChildren(h("p", {}, "There is no model yet."));
  } catch (error) {
    showError($("page-error"), error);
  }
  $("models").setAttribute("aria-busy", "false");
}

function card(model) {
  const { name, versions } = model;
  return h("section", { className: "card model", "aria-labelledby": `model-${name}` },
    h("header", {}, h("h2", { id: `model-${name}` }, name), rollBack(model)),
    h("div", { className: "scroll", tabIndex: 0, role: "group", "aria-label": `Versions of ${name}` },
      h("table", {},
        columns("Version", "Published", "Network", "Held out", "Size", "Aliases", ""),
        h("tbody", {}, ...versions.toReversed().flatMap((version) => rows(model, version))))),
    history(model));
}

function rows(model, version) {
  const { config, record } = version;
  const serves = model.aliases.current === version.version;
  const more = h("tr", { className: "more", hidden: true }, h("td", { colSpan: 7 }));
  const line = h("tr", { className: serves ? "serving" : "" },
    h("td", {}, number(version.version)),
    h("td", {}, moment(version.published)),
    h("td", {}, `${CELLS[config.cell] ?? config.cell}, ${config.layers} × ${config.hidden_size}`),
    h("td", {}, measured(record)),
    h("td", {}, bytes(version.bytes)),
    h("td", {}, ...version.aliases.map((alias) => h("span", { className: `tag ${alias === "current" ? "good" : ""}` }, alias))),
    h("td", { className: "actions" }, promote(model, version, serves), play(version), toggle(version, more)));
  return [line, more];
}

/** How well the version does on text that it was not trained on. */
function measured(record) {
  const bits = record.bits_per_character;
  return bits === undefined || bits === null ? "–" : `${number(bits, 3)} bits`;
}

const play = ({ model, version }) =>
  h("a", { className: "button small", href: `../#model=${model}%40${version}`, "aria-label": `Play with version ${version}` }, "Play");

const promote = ({ name }, { version }, serves) =>
  serves ? null : h("button", { type: "button", className: "small", "aria-label": `Promote version ${version} of ${name}`,
    onclick: () => point(name, version) }, "Promote");

function toggle(version, more) {
  const id = `${version.model}@${version.version}`;
  const button = h("button", { type: "button", className: "small", "aria-label": `About version ${version.version}` }, "About");
  const show = (open) => {
    more.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    opened[open ? "add" : "delete"](id);
    if (open && !more.firstChild.childNodes.length) more.firstChild.append(about(version));
  };
  button.addEventListener("click", () => show(more.hidden));
  show(opened.has(id));
  return button;
}

/** Back to the version that served before, if it is there still. */
function rollBack({ name, aliases, history: changes, versions }) {
  const before = (changes.current ?? []).map(({ version }) => version).filter((version) => version !== aliases.current).at(-1);
  if (before === undefined || !versions.some(({ version }) => version === before)) return null;
  return h("p", { className: "buttons" },
    h("button", { type: "button", className: "small", onclick: () => point(name, before) }, `Roll back to version ${before}`));
}

async function point(name, version) {
  clearError($("page-error"));
  try {
    await ask(`/models/${name}/aliases/current`, { method: "PUT", json: { version } });
    await start();
    $("said").textContent = `${name}: version ${version} serves now.`;
  } catch (error) {
    showError($("page-error"), error);
  }
}

function history({ name, history: all }) {
  const lists = Object.entries(all).map(([alias, changes]) =>
    h("div", {}, h("h3", {}, alias), h("ol", {}, ...changes.map((change) =>
      h("li", {}, h("b", {}, `version ${change.version}`), ` ${change.reason ? `${change.reason}, ` : ""}`, moment(change.time))))));
  return h("details", { className: "history" }, h("summary", {}, `What ${name}’s aliases stood for`), ...lists);
}

onKey(start);
start();
