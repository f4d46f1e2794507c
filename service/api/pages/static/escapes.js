// Line breaks and tabs in a field of one line: \n and \t.

const ESCAPES = { n: "\n", t: "\t", r: "\r", "\\": "\\" };

export const unescape = (text) => text.replace(/\\([ntr\\])/g, (_, letter) => ESCAPES[letter]);

/** The inverse of `unescape`. */
export const escape = (text) =>
  Object.entries(ESCAPES).reduceRight((done, [letter, character]) => done.replaceAll(character, `\\${letter}`), text);
