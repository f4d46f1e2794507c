// Play: generates a text, shows it while it is generated, and gives it an address that reproduces it.

import { addressed, addressOf, fill, isText } from "./address.js";
import { Alternatives } from "./alternatives.js";
import { events, url } from "./api.js";
import { $ } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { key, onKey } from "./key.js";
import { ModelLists } from "./model-lists.js";
import { Reading } from "./reading.js";
import { checkSeed, read } from "./request.js";
import { copy, save } from "./saving.js";
import { curl, python } from "./snippets.js";
import { exact, fileName, summary, same, unwritten } from "./text.js";

const form = $("play");
const lists = new ModelLists(form.elements.model, form.elements.version, suggest);
const reading = new Reading(Number(form.dataset.maxTrace), addressed().get("cell"));
const alternatives = new Alternatives();
const known = new Map();
let running = null;
let shown = null;
let suggested = "";

/** Generate the text and show it as it arrives, with its status; the previous text stays until the first piece arrives. */
async function generate(body, opened = false) {
  running?.abort();
  const mine = (running = new AbortController());
  clearError($("error"), form);
  $("halt").hidden = false;
  $("again").disabled = true;
  $("status").textContent = "Generating …";
  let made = null;
  try {
    checkSeed(body);
    for await (const { data } of events("/generate", { json: { ...body, stream: true }, signal: mine.signal })) {
      if (running !== mine) return;
      made ??= begin(body);
      take(made, data);
    }
    made.whole = true;
  } catch (error) {
    if (running === mine && error.name !== "AbortError") showError($("error"), error, form);
  } finally {
    if (running === mine) end(made, opened);
  }
}

function begin(body) {
  const made = unwritten(body);
  lay(made);
  return made;
}

/** Prepare the page for the texts: one to be inspected, or several side by side. */
function lay({ body, texts }) {
  const several = texts.length > 1;
  $("single").hidden = $("colours").hidden = several;
  alternatives.clear();
  if (several) alternatives.begin(body.prompt, texts.length);
  reading.begin(several ? "" : body.prompt);
}

function take(made, { index, text, seed, model, version, usage, cached, timing }) {
  Object.assign(made, { model, version });
  if (usage) Object.assign(made, { cached, seconds: timing.total });
  if (index === undefined) return;
  made.texts[index] += text;
  made.seeds[index] = seed;
  write(made, index, text);
}

function write({ texts }, index, piece) {
  if (texts.length > 1) alternatives.add(index, piece);
  else reading.add(piece);
}

function end(made, opened) {
  running = null;
  $("halt").hidden = true;
  if (made?.seeds.length) settle(made, shown, opened);
  else $("status").textContent = shown === null ? "No text was generated." : `${summary(shown)} (the previous text)`;
  $("again").disabled = shown === null;
}

/** The text is complete: it gets its address, and can be inspected, copied and saved. */
function settle(made, before, opened) {
  shown = made;
  $("status").textContent = `${made.whole ? "" : "Incomplete: "}${same(before, made) ? "The same text: " : ""}${summary(made)}`;
  $("tools").hidden = made.texts.length > 1;
  const address = addressOf(exact(made));
  if (made.whole) known.set(address, made);
  if (opened) history.replaceState(null, "", address);
  else if (address !== location.hash) history.pushState(null, "", address);
  alternatives.end((index) => addressOf(exact(made, index)), (index) => fileName(made, index));
  reading.end({ ...made, text: made.texts.length > 1 ? "" : made.texts[0] });
}

const wholeText = () => shown.body.prompt + shown.texts[0];

/** Show the text of the address, or fill in the form from it. */
function open() {
  const parameters = addressed();
  running?.abort();
  running = null;
  $("halt").hidden = true;
  lists.choose(parameters.get("model") ?? form.dataset.defaultModel);
  fill(form, parameters);
  for (const slider of form.querySelectorAll("[data-for]")) slider.value = $(slider.dataset.for).value;
  if (!parameters.has("prompt")) form.elements.prompt.value = suggested = lists.prompt;
  clearError($("error"), form);
  showRequest();
  if (isText(parameters)) recall(location.hash);
  else clear();
}

/** Show a text that this page has generated before at once; request any other. */
function recall(address) {
  const made = known.get(address);
  if (!made) return generate(read(form), true);
  lay(made);
  made.texts.forEach((text, index) => write(made, index, text));
  settle(made, null, true);
  $("again").disabled = false;
  return undefined;
}

function clear() {
  shown = null;
  $("single").hidden = $("colours").hidden = false;
  $("tools").hidden = $("again").disabled = true;
  $("status").textContent = "";
  alternatives.clear();
  reading.clear();
}

/** For another model, use its default prompt unless the user has written one. */
function suggest() {
  if (form.elements.prompt.value === suggested) form.elements.prompt.value = suggested = lists.prompt;
  showRequest();
}

function showRequest() {
  const write = $("language").value === "python" ? python : curl;
  $("request").textContent = write(location.origin + url("/generate"), read(form), Boolean(key()));
}

async function start() {
  try {
    const chosen = form.elements.model.value && read(form).model;
    await lists.load();
    if (chosen) lists.choose(chosen);
    else open();
  } catch (error) {
    showError($("error"), error);
  }
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
  showRequest();
});
form.addEventListener("change", showRequest);
$("again").addEventListener("click", () => {
  form.elements.seed.value = shown.seeds[0];
  showRequest();
  generate({ ...read(form), model: `${shown.model}@${shown.version}` });
});
$("halt").addEventListener("click", () => running?.abort());
$("copy").addEventListener("click", ({ target }) => copy($("request").textContent, target));
$("copy-text").addEventListener("click", ({ target }) => copy(wholeText(), target));
$("copy-link").addEventListener("click", ({ target }) => copy(location.href, target));
$("download").addEventListener("click", () => save(wholeText(), fileName(shown)));
addEventListener("popstate", open);
onKey(start);
start();
