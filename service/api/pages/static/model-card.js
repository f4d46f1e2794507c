// The card of a model, collapsed or open: its versions, the newest first, and the history of its aliases.

import { all } from "./api.js";
import { bytes, columns, count, h, moment, number } from "./dom.js";
import { task } from "./model-words.js";
import { about } from "./version.js";

const MOST = 5;

/** The model's card; `act` has the actions of its buttons (`point`, `download`, `remove`), `kept` what is open. */
export function card(model, act, kept) {
  const { name, details } = model;
  const content = h("details", { open: kept.has(name), ontoggle: ({ target }) => {
    if (target === content) kept[content.open ? "add" : "delete"](name);
  } },
    h("summary", {}, h("h2", { id: `model-${name}` }, name), h("span", { className: "hint" }, inShort(model))),
    model.damaged ? h("p", { className: "wrong" }, model.damaged) : null,
    rollBack(model, act),
    h("div", { className: "scroll", tabIndex: 0, role: "group", "aria-label": `Versions of ${name}` },
      h("table", { className: "versions" },
        columns("Version", "Published", "Network", "Held out", "Size", "Aliases", ""), newestFirst(model, act, kept))),
    details.length < model.versions.length || (details.length > MOST && !kept.has(`${name}/all`)) ? more(model, act, kept) : null,
    history(model));
  return h("section", { className: "card model", "aria-labelledby": `model-${name}` }, content);
}

function inShort({ aliases, details, versions }) {
  const serving = details.find(({ version }) => version === aliases.current);
  const bits = measured(serving ?? {});
  const damaged = details.filter((each) => each.damaged).length;
  return [
    task(serving ?? {}),
    serving ? `version ${serving.version} is current` : "no current version",
    bits === "–" ? "" : `${bits} per character`,
    count(versions.length, "version"),
    damaged ? `${damaged} damaged` : "",
  ].filter(Boolean).join(" · ");
}

function newestFirst(model, act, kept) {
  const all = model.details.toReversed();
  const shown = kept.has(`${model.name}/all`)
    ? all
    : all.filter(({ aliases, damaged }, index) => index < MOST || aliases.length || damaged);
  return h("tbody", {}, ...shown.flatMap((version) => rows(model, { model: model.name, ...version }, act, kept)));
}

function more(model, act, kept) {
  const { name, versions, details } = model;
  const button = h("button", { type: "button", className: "small" }, `All ${versions.length} versions`);
  button.addEventListener("click", async () => {
    kept.add(`${name}/all`);
    if (details.length < versions.length) model.details = await everyVersion(name);
    button.closest("details").querySelector("tbody").replaceWith(newestFirst(model, act, kept));
    button.parentElement.remove();
  });
  return h("p", { className: "buttons" }, button);
}

/** What the service says of each version of a model that has more than a list describes, the oldest first. */
async function everyVersion(name) {
  const { items } = await all(`/models/${name}`, "versions");
  return items.toReversed().map(({ record, ...version }) =>
    ({ ...version, task: record.task, unit: record.unit, bits_per_character: record.bits_per_character }));
}

function rows(model, version, act, kept) {
  if (!version.config) return [damaged(version, act)];
  const { config, aliases } = version;
  const serves = model.aliases.current === version.version;
  const below = h("tr", { className: "more", hidden: true }, h("td", { colSpan: 7 }));
  const line = h("tr", { className: serves ? "serving" : "" },
    cell("Version", number(version.version)),
    cell("Published", moment(version.published)),
    cell("Network", `${config.cell.toUpperCase()}, ${config.layers} × ${config.hidden_size}`,
      task(version) ? h("span", { className: "tag task" }, version.task) : null),
    cell("Held out", measured(version)),
    cell("Size", bytes(version.bytes)),
    cell("Aliases", ...aliases.map((alias) => h("span", { className: `tag ${alias === "current" ? "good" : ""}` }, alias)),
      version.damaged ? h("span", { className: "tag bad", title: version.damaged }, "damaged") : null),
    h("td", { className: "actions" }, promote(version, serves, act), play(version), toggle(version, below, act, kept)));
  return [line, below];
}

const cell = (title, ...values) => h("td", { "data-title": title }, ...values);

const damaged = (version, act) =>
  h("tr", {}, cell("Version", number(version.version)),
    h("td", { colSpan: 5 }, h("span", { className: "tag bad" }, "damaged"), " ", version.damaged),
    h("td", { className: "actions" }, remove(version, act)));

/** The version's held-out loss. */
const measured = ({ bits_per_character: bits }) => (bits === undefined || bits === null ? "–" : `${number(bits, 3)} bits`);

const play = ({ model, version }) =>
  h("a", { className: "button small", href: `../#model=${model}%40${version}`, "aria-label": `Play with version ${version}` }, "Play");

const promote = ({ model, version }, serves, act) =>
  serves ? null : h("button", { type: "button", className: "small", "aria-label": `Promote version ${version} of ${model}`,
    onclick: () => act.point(model, version) }, "Promote");

const remove = (version, act) =>
  h("button", { type: "button", className: "small danger", "aria-label": `Delete version ${version.version} of ${version.model}`,
    onclick: () => act.remove(version) }, "Delete");

/** The actions for a version's file; a version that an alias points to cannot be deleted. */
const fileActions = (version, act) =>
  h("p", { className: "buttons" },
    h("button", { type: "button", className: "small", onclick: () => act.download(version) }, "Download"),
    version.aliases.length ? null : remove(version, act));

function toggle(version, below, act, kept) {
  const id = `${version.model}@${version.version}`;
  const button = h("button", { type: "button", className: "small", "aria-label": `About version ${version.version}` }, "About");
  const show = (open) => {
    below.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    kept[open ? "add" : "delete"](id);
    if (open && !below.firstChild.childNodes.length) below.firstChild.append(about(version, fileActions(version, act)));
  };
  button.addEventListener("click", () => show(below.hidden));
  show(kept.has(id));
  return button;
}

/** The button that rolls back to the previous version, if it still exists. */
function rollBack({ name, aliases, history: changes, versions }, act) {
  const before = (changes.current ?? []).map(({ version }) => version).findLast((version) => version !== aliases.current);
  if (before === undefined || !versions.includes(before)) return null;
  return h("p", { className: "buttons" },
    h("button", { type: "button", className: "small", onclick: () => act.point(name, before) }, `Roll back to version ${before}`));
}

function history({ name, history: all }) {
  const lists = Object.entries(all).map(([alias, changes]) =>
    h("div", {}, h("h3", {}, alias), h("ol", {}, ...changes.map((change) =>
      h("li", {}, h("b", {}, `version ${change.version}`), ` ${change.reason ? `${change.reason}, ` : ""}${change.rebuilt ? "rebuilt from a damaged file, " : ""}`, moment(change.time))))));
  return h("details", { className: "history" }, h("summary", {}, `History of ${name}’s aliases`), ...lists);
}
