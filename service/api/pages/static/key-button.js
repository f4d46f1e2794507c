// The button that says what is known of the reader's key, and the form in which one is entered and checked.

import { get } from "./api.js";
import { $ } from "./dom.js";
import { keep, key, role } from "./key.js";

const SAID = { admin: "Admin’s key", app: "App’s key", "": "No key" };

/** Open the form, with what the service said about the key that was used, if anything. */
export function askForKey(message = "") {
  $("key").open = true;
  refuse(message);
  $("key-value").focus();
}

function refuse(message, state = "Key refused") {
  $("key-error").textContent = message;
  $("key-error").hidden = !message;
  $("key-value").setAttribute("aria-invalid", String(Boolean(message)));
  if (message && (key() || $("key-value").value)) say(state);
}

const say = (state) => ($("key-state").textContent = state);

function show() {
  say(SAID[role()] ?? SAID[""]);
  $("key-forget").hidden = !key();
}

/** A key is kept when the service takes it; what is wrong with another one is said where it was entered. */
async function enter(value) {
  say("Checking …");
  try {
    const { role: as } = await get("/key", { headers: { Authorization: `Bearer ${value}` } });
    close();
    keep(value, as);
    show();
  } catch (error) {
    refuse(error.message, error.status === 401 ? "Key refused" : "Key not checked");
    $("key-value").focus();
  }
}

function close() {
  $("key").open = false;
  $("key-value").value = "";
  refuse("");
  $("key").querySelector("summary").focus();
}

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const value = $("key-value").value.trim();
  if (value) enter(value);
});
$("key-forget").addEventListener("click", () => {
  close();
  keep("");
  show();
});
$("key").addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});
$("key").addEventListener("toggle", () => {
  if ($("key").open) $("key-value").focus();
});
document.addEventListener("pointerdown", (event) => {
  if (!$("key").contains(event.target)) $("key").open = false;
});
show();
