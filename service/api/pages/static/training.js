// Training, for admins: choose a text, start a job, and watch and compare jobs.

import { all, ask, get } from "./api.js";
import { confirmed } from "./asking.js";
import { Comparison } from "./comparison.js";
import { ChosenText } from "./corpus.js";
import { $, h, moment, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { fillJob, readJob } from "./job-form.js";
import { ended, status, writesLabels } from "./job-words.js";
import { unwatch, watch, watched } from "./watch.js";

const OFTEN_MS = 3000;
const form = $("start");
const text = new ChosenText(form, nameAfter);
const comparison = new Comparison();
let later = 0;
let pages = 1;

async function begin() {
  clearError($("start-error"), form);
  $("go").disabled = true;
  try {
    const job = await get("/jobs", { json: readJob(form, await text.id()) });
    $("start-note").textContent = "Training begins.";
    location.hash = job.id;
    list();
  } catch (error) {
    $("start-note").textContent = "";
    if (error.name !== "AbortError") showError($("start-error"), error, form);
  } finally {
    $("go").disabled = false;
  }
}

async function list() {
  const { items: jobs, more } = await all("/jobs", "jobs", pages);
  clearError($("page-error"));
  $("jobs").replaceChildren(...jobs.map(item));
  $("older-jobs").hidden = !more;
  if (!jobs.length) $("jobs").replaceChildren(h("li", { className: "hint" }, "None yet."));
  mark();
  clearTimeout(later);
  if (jobs.some((job) => job.model !== null && !ended(job))) later = setTimeout(relist, OFTEN_MS);
  return jobs;
}

const relist = () => list().catch((error) => showError($("page-error"), error));

function item(job) {
  if (job.model === null) return h("li", { className: "damaged" }, h("b", {}, job.id), h("span", { className: "tag bad" }, "damaged"),
    h("small", {}, job.damaged), button("Delete", () => remove(job)));
  const { id, model, created, version, progress } = job;
  const [words, tag] = status(job);
  const share = job.status === "running" ? ` ${number(100 * progress.fraction)} %` : "";
  const made = version === null ? "" : `version ${version}, `;
  const bits = progress.bits_per_character && !writesLabels(job) ? `${number(progress.bits_per_character, 3)} bits per character, ` : "";
  return h("li", {}, comparison.box(job),
    h("a", { href: `#${id}` }, h("b", {}, model), h("span", { className: tag }, words + share),
      h("small", {}, made, bits, moment(created))),
    job.damaged ? h("small", {}, `Damaged: ${job.damaged}`) : null);
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

/** Show the jobs and the running one; call again after another key was entered. */
export async function open() {
  const jobs = await list();
  await text.offer();
  const running = jobs.find((job) => job.status === "running");
  if (running && !location.hash) history.replaceState(null, "", `#${running.id}`);
  follow();
}

const button = (label, onclick) => h("button", { type: "button", className: "small danger", onclick }, label);

/** Delete a job that has ended or is damaged; its published version is kept. */
async function remove({ id, model }) {
  const question = `Delete the job ${model ?? id} and all its measurements? The version that it published is kept.`;
  if (!(await confirmed(question, "Delete it"))) return;
  try {
    await ask(`/jobs/${id}`, { method: "DELETE" });
    if (location.hash === `#${id}`) location.hash = "";
    await list();
  } catch (error) {
    showError($("page-error"), error);
  }
}

async function cancel() {
  const { id, model } = watched();
  if (!(await confirmed(`Cancel the training of ${model}? Its progress so far will be lost.`, "Cancel the training"))) return;
  try {
    await get(`/jobs/${id}/cancel`, { method: "POST" });
    $("job-status").textContent = "being cancelled";
    $("cancel").hidden = true;
  } catch (error) {
    showError($("job-error"), error);
  }
}

/** Fill in the form with the request of the shown job, for a new one. */
function clone() {
  const { request } = watched();
  text.choose(request.corpus);
  fillJob(form, request);
  $("start-note").textContent = "These are the settings of that job; change what you like.";
  $("start-title").scrollIntoView({ block: "start" });
  form.elements.model.focus({ preventScroll: true });
}

function drop(event) {
  event.preventDefault();
  $("drop").classList.remove("over");
  if (!event.dataTransfer.files.length) return;
  form.elements.file.files = event.dataTransfer.files;
  form.elements.file.dispatchEvent(new Event("change"));
}

/** Derive a model's name from a file's name. */
function nameAfter(file) {
  if (form.elements.model.value) return;
  form.elements.model.value = file.replace(/\.[^.]*$/, "").toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "");
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});
$("drop").addEventListener("dragover", (event) => {
  event.preventDefault();
  $("drop").classList.add("over");
});
$("drop").addEventListener("dragleave", () => $("drop").classList.remove("over"));
$("drop").addEventListener("drop", drop);
$("cancel").addEventListener("click", cancel);
$("remove").addEventListener("click", () => remove(watched()));
$("clone").addEventListener("click", clone);
$("older-jobs").addEventListener("click", () => {
  pages += 1;
  relist();
});
addEventListener("hashchange", follow);
