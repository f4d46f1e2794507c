// The service's messages in the words of a page: what they call by a field's name has a label there.

/** The message with the labels of the form's controls in place of the names of its fields. */
export function worded(message, form) {
  for (const control of form?.querySelectorAll("[name]") ?? []) {
    const label = labelOf(control);
    if (!label) continue;
    if (control.type === "checkbox") message = message.replaceAll(`"${control.name}": "${control.value}"`, `“${label}”`);
    message = message.replace(named(control.name), (_, before, ticks) => before + (ticks ? `“${label}”` : label));
  }
  return message;
}

/** A field where a message speaks of it: at the beginning of a sentence, or within backticks; `budget.minutes` and
    `cells[0].unit` too. */
const named = (name) => new RegExp(`(^|; |(?=\`))(\`)?(?:\\w+(?:\\[\\d+\\])?\\.)*${name}(?:\\.\\w+|\\[\\d+\\])*(?:\`|(?=[:\\s]))`, "g");

const labelOf = ({ labels }) => labels?.[0]?.textContent.trim() ?? "";
