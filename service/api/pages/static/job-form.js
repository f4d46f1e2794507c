// Converts the form for a job to the body of POST /jobs and back; empty fields are omitted.

import { fillRecords, readRecords } from "./record-form.js";

/** The body of a job that trains on this corpus. */
export function readJob(form, corpus) {
  const { model, promote, budget } = form.elements;
  const body = { corpus, model: model.value.trim(), budget: { [unit(form).value]: Number(budget.value) }, promote: promote.value,
    ...readRecords(form) };
  for (const control of settings(form)) {
    const value = control.value.trim();
    if (value) body[control.name] = control.type === "number" ? Number(value) : value;
  }
  return body;
}

/** Fill in the form from this body. */
export function fillJob(form, { model, budget, promote, ...given }) {
  form.elements.model.value = model;
  form.elements.promote.value = promote;
  const [name, amount] = Object.entries(budget).find(([, value]) => value !== null);
  [unit(form).value, form.elements.budget.value] = [name, amount];
  for (const control of settings(form)) control.value = given[control.name] ?? "";
  fillRecords(form, given);
  form.querySelector(".more").open = settings(form).some(({ value }) => value !== "");
}

const settings = (form) => [...form.querySelectorAll(".more [name]")];
const unit = (form) => form.querySelector("#budget-of");
