// Play: a text is asked for, and shown as it is written.

import { events, url } from "./api.js";
import { offer } from "./choices.js";
import { $, count, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { key, onKey } from "./key.js";
import { curl, read } from "./request.js";
import { Reading } from "./reading.js";

const form = $("play");
const asked = new URLSearchParams(location.search);
const reading = new Reading(Number(form.dataset.maxTrace), asked.get("cell"));
let running = null;
let last = null;

/** Ask for the text, show it as it comes, and say how it went. */
async function generate(body) {
  running?.abort();
  const mine = (running = new AbortController());
  clearError($("error"), form);
  begin(body.prompt);
  const made = { body, text: "", seed: null, model: "", version: 0, seconds: 0, cached: false };
  try {
    for await (const { data } of events("/generate", { json: { ...body, stream: true }, signal: mine.signal })) {
      take(made, data);
    }
    say(made, "");
  } catch (error) {
    if (running !== mine) return;
    if (error.name !== "AbortError") showError($("error"), error, form);
    say(made, made.text ? "Not whole: " : "Nothing was written. ");
  } finally {
    if (running === mine) end(made);
  }
}

function begin(prompt) {
  reading.begin(prompt);
  $("halt").hidden = false;
  $("again").disabled = true;
  $("status").textContent = "Writing …";
}

function take(made, data) {
  made.text += data.text;
  reading.add(data.text);
  Object.assign(made, { model: data.model, version: data.version });
  if (data.seed !== undefined) made.seed = data.seed;
  if (data.usage) Object.assign(made, { cached: data.cached, seconds: data.timing.total });
}

function say(made, before) {
  if (!made.text) {
    $("status").textContent = before || "The model wrote nothing.";
    return;
  }
  const same = last !== null && last.text === made.text && last.seed === made.seed;
  const how = made.cached ? ", from the cache" : made.seconds ? ` in ${number(made.seconds * 1000)} ms` : "";
  $("status").textContent =
    `${before}${same ? "The same text: " : ""}${count(made.text.length, "character")}${how} — ` +
    `${made.model}, version ${made.version}, seed ${made.seed}`;
}

function end(made) {
  running = null;
  $("halt").hidden = true;
  if (made.text) last = made;
  $("again").disabled = last === null;
  reading.end(made);
}

function showCurl() {
  $("curl").textContent = curl(location.origin + url("/generate"), read(form), Boolean(key()));
}

async function copy() {
  try {
    await navigator.clipboard.writeText($("curl").textContent);
    $("copy").textContent = "Copied";
  } catch {
    getSelection().selectAllChildren($("curl"));
    $("copy").textContent = "Selected";
  }
  setTimeout(() => ($("copy").textContent = "Copy"), 1500);
}

async function start() {
  try {
    await offer(form.elements.model, form.elements.version, asked.get("model") ?? form.dataset.defaultModel);
    clearError($("error"), form);
  } catch (error) {
    showError($("error"), error);
  }
  showCurl();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  generate(read(form));
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});
form.addEventListener("input", ({ target }) => {
  if (target.dataset.for) $(target.dataset.for).value = target.value;
  for (const slider of form.querySelectorAll(`[data-for="${target.id}"]`)) slider.value = target.value;
  showCurl();
});
form.addEventListener("change", showCurl);
$("again").addEventListener("click", () => {
  form.elements.seed.value = last.seed;
  showCurl();
  generate({ ...read(form), model: `${last.model}@${last.version}` });
});
$("halt").addEventListener("click", () => running?.abort());
$("copy").addEventListener("click", copy);
onKey(start);
start();
