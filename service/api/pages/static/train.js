// Train: locked without an admin key; with one, the scripts for training and watching are loaded.

import { $ } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { askForKey } from "./key-button.js";
import { key, onKey } from "./key.js";

async function start() {
  clearError($("page-error"));
  if (!key()) return lock(true);
  try {
    const { open } = await import("./training.js");
    lock(false);
    return await open();
  } catch (error) {
    lock(true);
    return showError($("page-error"), error);
  }
}

function lock(locked) {
  $("locked").hidden = !locked;
  $("open").hidden = locked;
}

$("unlock").addEventListener("click", () => askForKey());
onKey(start);
start();
