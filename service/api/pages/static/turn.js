// What the user writes after a text, for the model to read before it goes on: a dialogue with the text.

import { $ } from "./dom.js";
import { clearError, showError } from "./errors.js";

/** The turn; `goOn` is called when it is finished. */
export class Turn {
  constructor(goOn) {
    $("go-on").addEventListener("click", goOn);
    $("turn").addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
      event.stopPropagation(); // it would generate another text
      goOn();
    });
  }

  /** The prompt that was written, if any. */
  get prompt() {
    return $("turn").value ? { prompt: $("turn").value } : {};
  }

  /** The model has read this prompt; what has been written meanwhile stays. */
  read({ prompt = "" }) {
    if ($("turn").value === prompt) $("turn").value = "";
  }

  set hidden(isHidden) {
    $("onward").hidden = isHidden;
  }

  set disabled(isDisabled) {
    $("go-on").disabled = isDisabled;
  }

  /** Show an error; one about the prompt is one about the turn. */
  fail(error, form) {
    const mine = { param: "turn", message: error.message.replace(/^prompt\b/, "turn") };
    showError($("turn-error"), error.param === "prompt" ? Object.assign(error, mine) : error, form);
  }

  clear(form) {
    clearError($("turn-error"), form);
  }
}
