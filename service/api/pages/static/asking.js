// Asks for confirmation before an action that cannot be undone.

import { h } from "./dom.js";

/** Whether the user confirms; `action` is the confirming button's label. */
export function confirmed(question, action) {
  const dialog = h("dialog", { className: "asking", "aria-labelledby": "asking" });
  return new Promise((resolve) => {
    const answer = (value) => () => {
      dialog.returnValue = value;
      dialog.close();
    };
    dialog.append(
      h("p", { id: "asking" }, question),
      h("p", { className: "buttons" },
        h("button", { type: "button", className: "danger", onclick: answer("yes") }, action),
        h("button", { type: "button", onclick: answer("") , autofocus: true }, "Go back")));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
