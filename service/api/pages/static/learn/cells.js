// What cells do: a text of the reader's own coloured by a cell of a served version, what was found, and steering.

import { all, get } from "../api.js";
import { byCell, characters } from "../coloured.js";
import { count, h, number } from "../dom.js";
import { clearError, showError } from "../errors.js";
import { signed } from "./drawing.js";

const WAIT_MS = 300;
const LENGTH = 220;
const SEED = 7;
const ASKED = ["double-quotes", "condition"]; // those of the article, first

export async function start(part) {
  const found = (name) => part.querySelector(`[data-${name}]`);
  const [text, versions, cells, layer, unit, error] = ["text", "versions", "cells", "layer", "unit", "cells-error"].map(found);
  let asked = 0;
  let due = null;

  const chosen = () => (cells.value === "own" ? { layer: layer.valueAsNumber, unit: unit.valueAsNumber, part: "hidden" } : JSON.parse(cells.value));

  async function draw() {
    const turn = (asked += 1);
    found("own").hidden = cells.value !== "own";
    clearError(error);
    try {
      const trace = text.value && await get("/trace", { json: { model: versions.value, text: text.value, cells: [chosen()], unknown: "skip" } });
      if (turn !== asked) return;
      found("coloured").replaceChildren(...(trace ? characters(trace, byCell(trace.cells[0])) : []));
      found("range").textContent = trace ? ranged(trace, bound(found("held"), trace.cells[0])) : "";
    } catch (failed) {
      if (turn === asked) showError(error, failed);
    }
  }

  /** The cells that were found in the chosen version, and what became of the others. */
  async function offer() {
    const survey = await get(versions.selectedOptions[0].dataset.path);
    cells.replaceChildren(...survey.cells.map(({ follows, layer: l, unit: u, part: kind }) =>
      h("option", { value: JSON.stringify({ layer: l, unit: u, part: kind }) }, `${follows}: unit ${u}`)),
      h("option", { value: "own" }, "a unit of your choice"));
    found("verdicts").replaceChildren(verdict(survey));
    await draw();
  }

  for (const each of [text, layer, unit]) each.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(draw, WAIT_MS);
  });
  versions.addEventListener("change", offer);
  cells.addEventListener("change", draw);
  for (const button of part.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => {
      text.value = button.dataset.example;
      draw();
    });
  }
  steering(found, () => ({ model: versions.value, cell: chosen() }));

  const { items } = await all("/models?details=true", "models");
  const { model: usual } = part.querySelector("[data-model]").dataset;
  versions.replaceChildren(...items.toSorted((a, b) => (b.name === usual) - (a.name === usual))
    .flatMap(({ name, details }) => details.toReversed().filter((each) => each.cells)
      .map(({ version, cells: path }) => h("option", { value: `${name}@${version}`, "data-path": path }, `${name}@${version}`))));
  if (versions.value) await offer();
  else found("range").textContent = "No version here has been searched for cells yet.";
}

/** What was looked for, the article's cells first, with what became of it. */
function verdict({ cells, not_found: none, undecided, measured_on: on }) {
  const verdicts = [["found", cells], ["not found", none], ["undecided", undecided]];
  const rows = verdicts.flatMap(([told, all]) => all.map((each) => ({ told, ...each })))
    .sort((a, b) => ASKED.includes(b.slug) - ASKED.includes(a.slug))
    .map(({ told, follows, score, chance, reason, unit }) => h("tr", {}, h("th", { scope: "row" }, follows),
      h("td", {}, `${told}: ${reason ?? `unit ${unit}`}`),
      ...[score, chance].map((value) => h("td", { className: "number" }, value === null ? "–" : number(value, 2)))));
  return h("table", {},
    h("caption", {}, `Looked for along ${number(on.characters)} characters${on.held_out ? " that training had left out" : ""}`),
    h("thead", {}, h("tr", {}, ...["follows", "verdict", "score", "by chance"].map((each) => h("th", { scope: "col" }, each)))),
    h("tbody", {}, ...rows));
}

/** A text as the model writes it, and the same with the cell held at a value. */
function steering(found, chosen) {
  const held = found("held");
  const say = () => (found("held-value").value = signed(held.valueAsNumber, 1));
  held.addEventListener("input", say);
  say();
  found("write").addEventListener("click", async () => {
    clearError(found("held-error"));
    try {
      const { model, cell } = chosen();
      const json = { model, prompt: "\n", length: LENGTH, temperature: 0.8, seed: SEED };
      const set = [{ ...cell, value: held.valueAsNumber }];
      const [free, steered] = await Promise.all([json, { ...json, set }].map((each) => get("/generate", { json: each })));
      found("free").textContent = free.text;
      found("steered").textContent = steered.text;
      found("held-told").textContent = `Free: ${lines(free.text)}. Held at ${signed(held.valueAsNumber, 1)}: ${lines(steered.text)}.`;
    } catch (failed) {
      showError(found("held-error"), failed);
    }
  });
}

/** Let a slider go over the values that a cell can have, or, if it knows no bounds, has along a text; gives the latter. */
function bound(slider, { part, values }) {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  [slider.min, slider.max] = part === "cell" ? [Math.floor(least), Math.ceil(most)] : [-1, 1];
  slider.dispatchEvent(new Event("input"));
  return [least, most];
}

const ranged = ({ cells: [{ part, unit }], skipped }, [least, most]) =>
  `Along this text the ${part} state of unit ${unit} goes from ${signed(least)} to ${signed(most)}` +
  `${skipped ? "; characters that the model does not know are left out" : ""}.`;

function lines(text) {
  const all = text.split("\n").filter(Boolean);
  return `${count(all.length, "line")} of ${number(all.reduce((sum, line) => sum + line.length, 0) / Math.max(1, all.length))} characters on average`;
}
