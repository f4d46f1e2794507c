// Whether each line of a text seems to be a record of its own, such as a name, rather than a part of a longer text.

const FEWEST = 20;
const LOOKED_AT = 500;
const LONGEST = 100;

/** Whether the lines are many, short, and without blank ones between, as paragraphs, verses and code have them. */
export function looksLikeLines(text) {
  const lines = text.split(/\r?\n/, LOOKED_AT + 1).slice(0, -1);
  if (lines.length < FEWEST) return false;
  return lines.every((line) => line.trim() !== "" && line.length <= LONGEST && !/^\s/.test(line));
}
