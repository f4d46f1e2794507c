// Train: a text is sent, a job is asked for, and the jobs that there are can be watched.

import { get } from "./api.js";
import { $, bytes, count, h, moment, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { key, onKey } from "./key.js";
import { askForKey } from "./key-button.js";
import { upload } from "./upload.js";
import { unwatch, watch } from "./watch.js";

const form = $("start");
const TEXTS = ["cell", "level", "base"];
const NUMBERS = ["hidden_size", "layers", "embedding_size", "dropout", "segment_length", "batch_size", "learning_rate",
  "clip", "validation_fraction", "seed"];
const OFTEN_MS = 3000;
let sending = null;
let later = 0;

/** The body of POST /jobs; what is empty is left to the worker. */
function read(corpus) {
  const value = (name) => form.elements.namedItem(name).value.trim();
  const given = (names, as) => names.filter(value).map((name) => [name, as(value(name))]);
  const budget = { [$("budget-of").value]: Number(value("budget")) };
  return { corpus, model: value("model"), budget, promote: value("promote"),
    ...Object.fromEntries([...given(TEXTS, String), ...given(NUMBERS, Number)]) };
}

async function begin() {
  clearError($("start-error"), form);
  $("go").disabled = true;
  try {
    const corpus = await chosen();
    const job = await get("/jobs", { json: read(corpus) });
    $("start-said").textContent = "Training begins.";
    form.elements.file.value = "";
    location.hash = job.id;
    list();
  } catch (error) {
    $("start-said").textContent = "";
    if (error.name !== "AbortError") showError($("start-error"), error, form);
  } finally {
    $("go").disabled = false;
    $("upload").hidden = $("stop-upload").hidden = true;
  }
}

/** The id of the text to train on, sent first if it is a file. */
async function chosen() {
  const file = form.elements.file.files[0];
  if (!file) return form.elements.corpus.value;
  sending = new AbortController();
  $("upload").hidden = $("stop-upload").hidden = false;
  const { body: corpus } = await upload(`/corpora?name=${encodeURIComponent(file.name)}`, file, "text/plain", tell, sending.signal);
  $("start-said").textContent = `${count(corpus.characters, "character")}, ${number(corpus.vocabulary_size)} different.`;
  await offerTexts(corpus.id);
  return corpus.id;
}

function tell(share) {
  $("upload").value = share;
  $("start-said").textContent = share < 1 ? `Sending: ${number(100 * share)} %` : "Sent; the service reads it …";
}

async function offerTexts(wanted = "") {
  const { corpora } = await get("/corpora");
  const options = corpora.map(({ id, name, bytes: size }) => h("option", { value: id }, `${name || id.slice(0, 12)} (${bytes(size)})`));
  form.elements.corpus.replaceChildren(h("option", { value: "" }, "none"), ...options.reverse());
  form.elements.corpus.value = wanted;
  $("earlier").hidden = !corpora.length;
}

async function list() {
  const { jobs } = await get("/jobs");
  clearError($("page-error"));
  $("jobs").replaceChildren(...jobs.reverse().map(item));
  if (!jobs.length) $("jobs").replaceChildren(h("li", { className: "hint" }, "None yet."));
  mark();
  clearTimeout(later);
  if (jobs.some(({ status }) => status === "running" || status === "queued")) later = setTimeout(relist, OFTEN_MS);
  return jobs;
}

const relist = () => list().catch((error) => showError($("page-error"), error));

function item({ id, model, status, created, version, progress }) {
  const running = status === "running" ? ` ${number(100 * progress.fraction)} %` : "";
  const tag = { succeeded: "good", failed: "bad", running: "live", queued: "live" }[status] ?? "";
  const made = version === null ? "" : `version ${version}, `;
  const bits = progress.bits_per_character ? `${number(progress.bits_per_character, 3)} bits per character, ` : "";
  return h("li", {}, h("a", { href: `#${id}` }, h("b", {}, model), h("span", { className: `tag ${tag}` }, status + running),
    h("small", {}, made, bits, moment(created))));
}

function mark() {
  for (const link of $("jobs").querySelectorAll("a")) {
    if (link.hash === location.hash) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
  }
}

function follow() {
  mark();
  const id = location.hash.slice(1);
  if (!id) return unwatch();
  watch(id, relist);
  $("watch").scrollIntoView({ block: "start" });
  return undefined;
}

/** Everything here is an admin's: without a key there is nothing to show. */
async function start() {
  clearError($("page-error"));
  try {
    if (key()) {
      const jobs = await list();
      await offerTexts();
      const running = jobs.find(({ status }) => status === "running");
      if (running && !location.hash) history.replaceState(null, "", `#${running.id}`);
    }
    $("locked").hidden = Boolean(key());
    $("open").hidden = !key();
    if (key()) follow();
  } catch (error) {
    $("locked").hidden = false;
    $("open").hidden = true;
    showError($("page-error"), error);
  }
}

async function cancel() {
  try {
    await get(`/jobs/${location.hash.slice(1)}/cancel`, { method: "POST" });
    $("job-status").textContent = "being cancelled";
    $("cancel").hidden = true;
  } catch (error) {
    showError($("job-error"), error);
  }
}

function drop(event) {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  form.elements.file.files = event.dataTransfer.files;
  nameAfterFile();
}

/** A file's name is a name for its model, as far as its letters may stand in one. */
function nameAfterFile() {
  const file = form.elements.file.files[0];
  if (!file || form.elements.model.value) return;
  form.elements.model.value = file.name.replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
form.elements.file.addEventListener("change", nameAfterFile);
$("drop").addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", drop);
$("stop-upload").addEventListener("click", () => sending?.abort());
$("cancel").addEventListener("click", cancel);
$("unlock").addEventListener("click", () => askForKey());
addEventListener("hashchange", follow);
onKey(start);
start();
