// What cells do: a text of the reader's own coloured by a cell of a served version, what was found, and steering.

import { all, get } from "../api.js";
import { byCell, characters, visible } from "../coloured.js";
import { count, h, number } from "../dom.js";
import { signed } from "./drawing.js";
import { latest } from "./latest.js";

const WAIT_MS = 300;
const LENGTH = 220;
const SEED = 7;
const ASKED = ["double-quotes", "condition"]; // those of the article, first

/** Offer the versions that were searched for cells, and what they follow. */
export async function ask(part) {
  const found = (name) => part.querySelector(`[data-${name}]`);
  const searched = await options(part.querySelector("[data-model]").dataset.model);
  found("none").hidden = searched.length > 0;
  for (const figure of part.querySelectorAll(".figure")) figure.hidden = !searched.length;
  found("versions").replaceChildren(...searched);
  if (searched.length) await begin(part, found);
}

/** An option for each version that was searched, those of the usual model first. */
async function options(usual) {
  const { items } = await all("/models?details=true", "models");
  return items.toSorted((a, b) => (b.name === usual) - (a.name === usual)).flatMap(({ name, details }) =>
    details.toReversed().filter(({ cells }) => cells).map(({ version, cells }) =>
      h("option", { value: `${name}@${version}`, "data-path": cells }, `${name}@${version}`)));
}

function begin(part, found) {
  const [text, versions, cells, layer, unit, each] = ["text", "versions", "cells", "layer", "unit", "each"].map(found);
  let due = null;
  let trace = null;

  const isOwn = () => cells.value === "own";
  const cell = () => (isOwn() ? { layer: layer.valueAsNumber, unit: unit.valueAsNumber, part: "hidden" } : JSON.parse(cells.value));
  const chosen = () => ({ model: versions.value, cell: cell() });
  const hold = steering(found, chosen);
  const list = () => found("values").replaceChildren(...(each.open && trace ? values(trace) : []));

  const draw = latest(found("cells-error"), async () => {
    found("own").hidden = !isOwn();
    const { model, cell: one } = chosen();
    const { sign = 1 } = cells.selectedOptions[0].dataset;
    const read = text.value ? await get("/trace", { json: { model, text: text.value, cells: [one], unknown: "skip" } }) : null;
    return () => {
      trace = read;
      found("coloured").replaceChildren(...(trace ? characters(trace, byCell(trace.cells[0])) : []));
      found("range").textContent = trace ? ranged(trace) : "";
      if (trace) hold(JSON.stringify([model, one]), trace.cells[0], sign);
      list();
    };
  }, found("own"));

  const fill = (follow) => cells.replaceChildren(
    ...follow.map(({ follows, sign, layer: l, unit: u, part: kind }) =>
      h("option", { value: JSON.stringify({ layer: l, unit: u, part: kind }), "data-sign": sign }, `${follows}: unit ${u}`)),
    h("option", { value: "own" }, "a unit of your choice"));

  /** The cells that were found in the chosen version, and what became of the others. */
  const offer = latest(found("cells-error"), async () => {
    fill([]); // of another version
    const survey = await get(versions.selectedOptions[0].dataset.path);
    return () => {
      fill(survey.cells);
      found("verdicts").replaceChildren(verdict(survey));
      return draw();
    };
  });

  for (const field of [text, layer, unit]) field.addEventListener("input", () => {
    clearTimeout(due);
    due = setTimeout(draw, WAIT_MS);
  });
  versions.addEventListener("change", offer);
  cells.addEventListener("change", draw);
  each.addEventListener("toggle", list);
  for (const button of part.querySelectorAll("[data-example]")) {
    button.addEventListener("click", () => {
      text.value = button.dataset.example;
      draw();
    });
  }
  return offer();
}

/** The values of the cell along the text, for readers who do not see colours. */
const values = ({ tokens, cells: [{ values: all }] }) =>
  tokens.map((token, i) => h("li", {}, h("code", {}, visible(token)), ` ${signed(all[i])}`));

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

/** A text as the model writes it, and the same with the cell held at a value. Gives a function that lets the slider go
    over the values of a cell, of which it has those along a text. */
function steering(found, chosen) {
  const held = found("held");
  let known = "";
  const say = () => (found("held-value").value = signed(held.valueAsNumber, 1));
  held.addEventListener("input", say);
  found("write").addEventListener("click", latest(found("held-error"), async () => {
    const [{ model, cell }, value] = [chosen(), held.valueAsNumber];
    const json = { model, prompt: "\n", length: LENGTH, temperature: 0.8, seed: SEED };
    const set = [{ ...cell, value }];
    const [free, steered] = await Promise.all([json, { ...json, set }].map((each) => get("/generate", { json: each })));
    return () => {
      found("free").textContent = free.text;
      found("steered").textContent = steered.text;
      found("held-told").textContent = `Free: ${lines(free.text)}. Held at ${signed(value, 1)}: ${lines(steered.text)}.`;
    };
  }, found("own")));
  return (name, { part, values: along }, sign) => {
    const [least, most] = range(along);
    [held.min, held.max] = part === "cell" ? [Math.floor(least), Math.ceil(most)] : [-1, 1];
    // Another cell begins where it is when what it follows holds, at a value with one decimal that it has passed.
    if (name !== known) held.value = sign < 0 ? Math.ceil(least * 10) / 10 : Math.floor(most * 10) / 10;
    known = name;
    say();
  };
}

const range = (all) => [Math.min(...all), Math.max(...all)];

function ranged({ cells: [{ part, unit, values: along }], skipped }) {
  const [least, most] = range(along).map((value) => signed(value));
  return `Along this text the ${part} state of unit ${unit} goes from ${least} to ${most}` +
    `${skipped ? "; characters that the model does not know are left out" : ""}.`;
}

function lines(text) {
  const all = text.split("\n").filter(Boolean);
  return `${count(all.length, "line")} of ${number(all.reduce((sum, line) => sum + line.length, 0) / Math.max(1, all.length))} characters on average`;
}
