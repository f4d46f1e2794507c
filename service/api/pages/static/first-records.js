// The first records of a file and their labels, as the form says to read it, before the file is uploaded.

import { get } from "./api.js";
import { $, columns, count, h, number } from "./dom.js";
import { looksLikeLines } from "./line-records.js";
import { arrange, offerColumns, readRecords } from "./record-form.js";

const FORMATS = { plain: "plain text", jsonl: "JSON lines", csv: "CSV", tsv: "TSV" };
const MOST_LABELS = 30;
const PARTS = ["text", "label", "tags", "target"];

/** The preview of the text that was chosen last. */
export class FirstRecords {
  #form;
  #asking = new AbortController();
  #recognized = false;

  constructor(form) {
    this.#form = form;
  }

  /** Forget the last file; what was recognized of it is not true of another one. */
  clear() {
    this.#asking.abort();
    $("first").hidden = $("divide").hidden = true;
    if (this.#recognized) this.#form.elements.format.value = "";
    this.#recognized = false;
    offerColumns(this.#form, [], {});
  }

  /** Whether the file, with this encoding and these line ends, has records, which are shown; its first bytes are sent.
      Throws the service's errors. */
  async ofFile(file, decoding) {
    const body = file.slice(0, Number(this.#form.dataset.previewed));
    const divided = await this.#show("/corpora/preview", decoding,
      { method: "POST", body, headers: { "Content-Type": "text/plain" } });
    $("divide").hidden = divided || this.#form.elements.unit.value === "text" || !looksLikeLines(await body.text());
    return divided;
  }

  /** Show the records of an uploaded text, if it has any. */
  async ofCorpus(id) {
    return this.#show(`/corpora/${id}/preview`);
  }

  async #show(path, decoding = {}, options = {}) {
    this.#asking.abort();
    this.#asking = new AbortController();
    const asked = readRecords(this.#form);
    if (asked.separator === "") return true; // not written yet
    const query = new URLSearchParams({ ...asked, ...decoding });
    if (asked.fields) query.set("fields", JSON.stringify(asked.fields));
    query.delete("delay");
    return this.#take(await get(`${path}?${query}`, { ...options, signal: this.#asking.signal }));
  }

  /** Nothing is to be shown of one endless text. */
  #take(found) {
    const { unit, format, fields, columns: names, task, faults } = found;
    const divided = unit !== "text" || task !== "generate";
    if (format !== "plain" && !this.#form.elements.format.value) {
      this.#form.elements.format.value = format;
      this.#recognized = $("records").open = true;
    }
    offerColumns(this.#form, names, fields);
    arrange(this.#form);
    $("first").hidden = !divided && !faults.length;
    if (!$("first").hidden) draw(found, Number(this.#form.dataset.previewed));
    return divided;
  }
}

function draw(found, bytes) {
  const { records, count: all, labels, label_count: different, whole, task, faults, fault_count: wrong } = found;
  const where = whole ? "in the file" : `in its first ${number(bytes / 1024)} KiB`;
  const kind = task === "tag" ? "tag" : "label";
  const facts = [
    ["Format", `${FORMATS[found.format]}, ${found.encoding}`],
    ["Found", `${count(all, "record")} ${where}${different ? `, ${count(different, `different ${kind}`)}` : ""}`],
  ];
  $("first-title").textContent = records.length ? `The first ${records.length === 1 ? "record" : `${number(records.length)} records`}` : "No records";
  $("first-facts").replaceChildren(...facts.flatMap(([title, value]) => [h("dt", {}, title), h("dd", {}, value)]));
  $("first-rows").hidden = !records.length;
  $("first-rows").replaceChildren(table(records));
  showFaults(faults, wrong, records.length > 0);
  showLabels(Object.entries(labels), different, kind);
}

function table(records) {
  const parts = PARTS.filter((part) => records.some((record) => record[part] !== null));
  const title = (part) => part[0].toUpperCase() + part.slice(1);
  const cell = (value) => h("td", { dir: "auto" }, Array.isArray(value) ? value.join(" ") : (value ?? ""));
  return h("table", {}, columns("Line", ...parts.map(title)), h("tbody", {}, ...records.map((record) =>
    h("tr", {}, h("td", {}, number(record.line)), ...parts.map((part) => cell(record[part]))))));
}

/** `some`: there are records, so that the faults are those of single rows. */
function showFaults(faults, wrong, some) {
  $("faults").hidden = !wrong;
  $("faults-title").textContent = count(wrong, "fault");
  $("faults-list").replaceChildren(...faults.map((fault) => h("li", {}, fault)));
  const shown = wrong > faults.length ? `These are the first ${number(faults.length)}. ` : "";
  const remedy = some ? "Correct them in the file, or set “Skip bad rows” to the share of rows that may be left out." : "";
  $("faults-hint").textContent = shown + remedy;
}

function showLabels(labels, different, kind) {
  const title = `${kind[0].toUpperCase()}${kind.slice(1)}s`;
  const more = different - Math.min(MOST_LABELS, labels.length);
  $("labels-title").hidden = !labels.length;
  $("labels-title").textContent = title;
  $("labels").replaceChildren(...labels.slice(0, MOST_LABELS).map(([label, n]) =>
    h("li", {}, h("span", { dir: "auto" }, label), " ", h("small", {}, number(n)))),
  more > 0 ? h("li", { className: "hint" }, `and ${number(more)} more`) : "");
}
