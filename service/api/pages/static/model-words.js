// What a model does, in words: task, records, labels.

import { h, number } from "./dom.js";

const TASKS = {
  generate: "writes records",
  classify: "gives each text a label",
  tag: "tags each part of a text",
  transduce: "turns one text into another",
};
const UNITS = { line: "lines", paragraph: "paragraphs", separator: "what is between separators" };
const FIRST_LABELS = 12;

/** The task in a few words; empty for a model of one endless text. */
export const task = ({ task: name, unit }) => (!name || unit === "text" ? "" : TASKS[name]);

/** The facts of a version's task, as [name, value]; none for one endless text. */
export function arrangement({ task: name, unit, separator, labels, delay }) {
  if (!name || unit === "text") return [];
  return [
    ["Task", `${name}: ${TASKS[name]}`],
    ["Records", unit === "separator" ? h("span", {}, "separated by ", h("code", {}, JSON.stringify(separator))) : UNITS[unit]],
    [name === "tag" ? "Tags" : "Labels", labels.length ? some(labels) : null],
    ["Delay", delay ? `tags are given ${number(delay)} tokens later` : null],
  ];
}

/** What two simple models reach on a version's held-out text, if it was measured. */
export const simpleModels = (measured) => measured && `PPM: ${number(measured.ppm, 4)}, xz: ${number(measured.xz, 4)} nats per character`;

function some(labels) {
  const rest = labels.length - FIRST_LABELS;
  return h("span", { dir: "auto" }, `${number(labels.length)}: ${labels.slice(0, FIRST_LABELS).join(", ")}${rest > 0 ? `, and ${number(rest)} more` : ""}`);
}
