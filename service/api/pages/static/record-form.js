// How a file is read as records: the form's controls for it, as the fields of a request and back.

import { $, h } from "./dom.js";
import { escape, unescape } from "./escapes.js";

const NAMES = ["text", "label", "tags", "target"];
const NONE = { task: "generate", unit: "", separator: "", format: "", delay: "", skip_bad_rows: "" };

/** The fields of a request that say how the file is read; empty for one endless text that nobody divided. */
export function readRecords(form) {
  const { task, unit, format, separator } = form.elements;
  const body = { task: task.value === NONE.task ? "" : task.value, format: format.value };
  if (unit.value === "separator") body.separator = unescape(separator.value);
  else body.unit = unit.value;
  const fields = Object.fromEntries(NAMES.map((name) => [name, column(form, name).value])
    .filter(([name, value]) => value && !around(name).hidden));
  if (Object.keys(fields).length && format.value !== "plain") body.fields = fields;
  for (const name of ["delay", "skip_bad_rows"]) {
    const control = form.elements.namedItem(name);
    const given = control && control.closest("[hidden]") === null && control.value !== "";
    if (given && control.value !== control.dataset.default) body[name] = Number(control.value);
  }
  return Object.fromEntries(Object.entries(body).filter(([name, value]) => value !== "" || name === "separator"));
}

/** Fill in the controls from a request, which says no more of one endless text than that it is one. */
export function fillRecords(form, { fields = {}, ...given }) {
  for (const [name, value] of Object.entries(NONE)) {
    const control = form.elements.namedItem(name);
    if (control) control.value = given[name] ?? control.dataset.default ?? value;
  }
  if (given.separator) [form.elements.unit.value, form.elements.separator.value] = ["separator", escape(given.separator)];
  offerColumns(form, Object.values(fields ?? {}), fields ?? {});
  const body = readRecords(form);
  const divided = Object.keys(body).length > 0;
  if (!divided) form.elements.unit.value = "text"; // also of a file that looks like a table
  $("records").open = divided && body.unit !== "text";
}

/** Offer the file's columns, with these chosen: field to column. */
export function offerColumns(form, columns, chosen) {
  for (const name of NAMES) {
    const options = columns.map((each) => h("option", { value: each }, each));
    column(form, name).replaceChildren(h("option", { value: "" }, "none"), ...options);
    column(form, name).value = chosen[name] ?? "";
  }
  arrange(form);
}

/** Show the controls that suit what is chosen. */
export function arrange(form) {
  const { task, unit, format } = form.elements;
  const used = task.selectedOptions[0].dataset.fields.split(" ");
  const columns = format.value === "plain" ? 0 : column(form, "text").options.length - 1;
  for (const name of NAMES) around(name).hidden = !used.includes(name);
  $("columns").hidden = columns < 1;
  $("separated").hidden = unit.value !== "separator";
  if ($("delayed")) $("delayed").hidden = task.value !== "tag";
}

const column = (form, name) => form.elements.namedItem(`fields.${name}`);
const around = (name) => document.querySelector(`[data-column="${name}"]`);
