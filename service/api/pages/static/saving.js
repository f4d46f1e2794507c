// Copies texts to the clipboard, and saves texts and files.

const SHOWN_MS = 1500;

/** Copy the text to the clipboard, and confirm it on the button. */
export async function copy(text, button) {
  const label = (button.dataset.label ??= button.textContent);
  button.textContent = (await copied(text)) ? "Copied" : "Copy failed";
  setTimeout(() => (button.textContent = label), SHOWN_MS);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return selected(text); // pages without TLS on another machine have no clipboard of their own
  }
}

function selected(text) {
  const field = Object.assign(document.createElement("textarea"), { value: text, className: "visually-hidden" });
  document.body.append(field);
  const before = document.activeElement;
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus();
  return done;
}

/** Save a text, or a Blob, as a file. */
export function save(content, name) {
  const address = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type: "text/plain" }));
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), SHOWN_MS);
}
