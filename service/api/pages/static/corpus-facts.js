// What is known of a corpus: encoding, length, vocabulary, first lines.

import { $, bytes, count, h } from "./dom.js";

const ENDS = { lf: "LF", crlf: "CRLF", cr: "CR", mixed: "mixed" };

const summary = ({ bytes: size, characters, lines, vocabulary_size: different, encoding, line_ends: ends, newlines }) => [
  ["Encoding", encoding],
  ["Length", `${count(characters, "character")}, ${count(lines, "line")}, ${bytes(size)}`],
  ["Vocabulary", count(different, "different character")],
  ["Line endings", ENDS[ends] && `${ENDS[ends]}${newlines === "keep" || ends === "lf" ? "" : ", converted to LF"}`],
];

/** Show how the service decoded the text. */
export function showCorpus({ name, id, preview, damaged, ...corpus }) {
  $("preview-title").textContent = name || id.slice(0, 12);
  const facts = damaged ? [["Damaged", damaged]] : summary(corpus);
  $("preview-facts").replaceChildren(...facts.flatMap(([title, value]) =>
    value ? [h("dt", {}, title), h("dd", {}, value)] : []));
  $("preview-lines").textContent = (preview ?? []).join("\n");
  $("preview-lines").hidden = !preview?.length;
  $("preview").hidden = false;
}
