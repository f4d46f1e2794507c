// The reader's key: asked for once, kept for this tab alone, sent to this service only.

import { $ } from "./dom.js";

const NAME = "charrnn-key";
const listeners = [];

export const key = () => sessionStorage.getItem(NAME) ?? "";

/** Call when a key was entered or forgotten. */
export const onKey = (listener) => listeners.push(listener);

/** Open the field, with what the service said about the key that was used, if anything. */
export function askForKey(message = "") {
  $("key").open = true;
  $("key-error").textContent = message;
  $("key-error").hidden = !message;
  $("key-value").setAttribute("aria-invalid", String(Boolean(message)));
  if (message && key()) $("key-state").textContent = "Key refused";
  $("key-value").focus();
}

function keep(value) {
  if (value) sessionStorage.setItem(NAME, value);
  else sessionStorage.removeItem(NAME);
  $("key").open = false;
  $("key-value").value = "";
  $("key-error").hidden = true;
  show();
  for (const listener of listeners) listener();
}

function show() {
  $("key-state").textContent = key() ? "Key in use" : "No key";
  $("key-forget").hidden = !key();
}

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  keep($("key-value").value.trim());
  $("key").querySelector("summary").focus();
});
$("key-forget").addEventListener("click", () => keep(""));
$("key").addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  $("key").open = false;
  $("key").querySelector("summary").focus();
});
$("key").addEventListener("toggle", () => {
  if ($("key").open) $("key-value").focus();
});
document.addEventListener("pointerdown", (event) => {
  if (!$("key").contains(event.target)) $("key").open = false;
});
show();
