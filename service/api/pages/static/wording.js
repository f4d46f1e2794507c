// Replaces field names in the service's messages by the page's labels.

/** The message with the labels of the form's controls instead of field names. */
export function worded(message, form) {
  for (const control of form?.elements ?? []) {
    const label = labelOf(control);
    if (!label || !control.name) continue;
    if (control.type === "checkbox") message = message.replaceAll(`"${control.name}": "${control.value}"`, `“${label}”`);
    message = message.replace(named(control.name), (_, before, ticks) => before + (ticks ? `“${label}”` : label));
  }
  return message;
}

/** Matches a field in a message: at the beginning of a sentence, or within backticks; `budget.minutes` and
    `cells[0].unit` too. */
const named = (name) => new RegExp(`(^|; |(?=\`))(\`)?(?:\\w+(?:\\[\\d+\\])?\\.)*${name}(?:\\.\\w+|\\[\\d+\\])*(?:\`|(?=[:\\s]))`, "g");

const labelOf = ({ labels }) => labels?.[0]?.textContent.trim() ?? "";
