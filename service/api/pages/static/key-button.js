// The button that shows the state of the user's key, and the form in which a key is entered and checked.

import { get } from "./api.js";
import { $ } from "./dom.js";
import { keep, key, role } from "./key.js";

const LABELS = { admin: "Admin key", app: "App key", "": "No key" };
const UNKNOWN = "The service does not accept this key.";
let refused = false;

/** Open the form, because the service requires a key or another one. */
export function askForKey(message = "") {
  refused = Boolean(message && key());
  show();
  $("key").open = true;
  complain(message);
  $("key-value").focus();
}

/** Show the key in use. */
function show() {
  say(refused ? "Key refused" : LABELS[role()]);
  $("key-forget").hidden = !key();
}

const say = (state) => ($("key-state").textContent = state);

function complain(message) {
  $("key-error").textContent = message;
  $("key-error").hidden = !message;
  $("key-value").setAttribute("aria-invalid", String(Boolean(message)));
}

/** Keep a key that the service accepts; otherwise show the error where it was entered. */
async function enter(value) {
  say("Checking …");
  try {
    const { role: as } = await get("/key", { headers: { Authorization: `Bearer ${value}` } });
    use(value, as);
  } catch (error) {
    const wrong = error.status === 401;
    complain(wrong ? UNKNOWN : error.message);
    say(wrong ? "Key refused" : "Key not checked");
    $("key-value").focus();
  }
}

function use(value, as = "") {
  refused = false;
  close();
  keep(value, as);
  show();
}

function close() {
  $("key").open = false;
  $("key").querySelector("summary").focus();
}

$("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const value = $("key-value").value.trim();
  if (value) enter(value);
});
$("key-forget").addEventListener("click", () => use(""));
$("key").addEventListener("keydown", (event) => {
  if (event.key === "Escape") close();
});
$("key").addEventListener("toggle", () => {
  if ($("key").open) return $("key-value").focus();
  $("key-value").value = "";
  complain("");
  return show();
});
document.addEventListener("pointerdown", (event) => {
  if (!$("key").contains(event.target)) $("key").open = false;
});
show();
