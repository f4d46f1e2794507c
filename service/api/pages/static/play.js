// Play: a model, and the view that suits its task. Each view has the `path`, `body` and `answer` of its request, and
// is told what happens: `offer`, `open`, `chosen`, `submit`, `stop`, `leave`.

import { addressed, fill } from "./address.js";
import { url } from "./api.js";
import { Completing } from "./completing.js";
import { $ } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { showHeld } from "./held-cell.js";
import { key, onKey } from "./key.js";
import { ModelLists } from "./model-lists.js";
import { showPattern } from "./pattern.js";
import { PatternCheck } from "./pattern-check.js";
import { Reading } from "./reading.js";
import { reference } from "./request.js";
import { copy } from "./saving.js";
import { curl, python } from "./snippets.js";
import { TextView } from "./text-view.js";

const form = $("play");
const failed = (error) => showError($("error"), error);
const lists = new ModelLists(form.elements.model, form.elements.version, () => choose().catch(failed));
const reading = new Reading(Number(form.dataset.maxTrace), addressed().get("cell"));
const text = new TextView(form, lists, reading, showRequest);
const pattern = new PatternCheck(form);
const views = { text: async () => text };
const LATER = {
  records: async () => new (await import("./records-view.js")).RecordsView(form, reading),
  classify: async () => new (await import("./labels-view.js")).LabelsView(form, reading),
  tag: async () => new (await import("./tags-view.js")).TagsView(form, reading),
  transduce: async () => new (await import("./targets-view.js")).TargetsView(form),
};
let view = text;
new Completing(form);

/** The name of the view for a version. */
const suiting = ({ task, unit } = {}) => (!task || unit === "text" ? "text" : task === "generate" ? "records" : task);

/** Show the view that suits the chosen version; false if another one has been chosen meanwhile. */
async function arrange() {
  const { version } = lists;
  const name = suiting(version);
  const suited = await (views[name] ??= LATER[name])();
  views[name] = async () => suited;
  if (lists.version !== version) return false;
  if (view !== suited) view.leave();
  view = suited;
  for (const part of document.querySelectorAll("[data-views]")) part.hidden = !part.dataset.views.split(" ").includes(name);
  form.dataset.view = name;
  return true;
}

/** Show what the address says; nobody fills in the form meanwhile, because that would be overwritten. */
async function open() {
  form.inert = true;
  try {
    await show(addressed());
  } finally {
    form.inert = false;
  }
}

async function show(parameters) {
  view.leave();
  lists.choose(parameters.get("model") ?? form.dataset.defaultModel);
  clearError($("error"), form);
  if (!(await arrange())) return;
  await view.offer?.(lists.chosen);
  fill(form, parameters);
  showHeld(parameters.get("set"));
  showPattern(parameters);
  pattern.look();
  for (const slider of form.querySelectorAll("[data-for]")) slider.value = $(slider.dataset.for).value;
  showRequest();
  view.open(parameters);
}

/** The user has chosen another version. */
async function choose() {
  clearError($("error"), form);
  const before = view;
  if (!(await arrange())) return;
  await view.offer?.(lists.chosen);
  view.chosen(before !== view);
  pattern.look();
  showRequest();
}

function showRequest() {
  const write = $("language").value === "python" ? python : curl;
  $("request").textContent = write(location.origin + url(view.path), view.body(), Boolean(key()), view.answer);
}

async function start() {
  try {
    const chosen = form.elements.model.value && reference(form);
    await lists.load();
    if (!chosen) return await open();
    lists.choose(chosen);
    return await choose();
  } catch (error) {
    return failed(error);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  view.submit();
});
form.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) (event.target.form ?? form).requestSubmit();
});
form.addEventListener("input", ({ target }) => {
  if (target.dataset.for) $(target.dataset.for).value = target.value;
  for (const slider of form.querySelectorAll(`[data-for="${target.id}"]`)) slider.value = target.value;
  showRequest();
});
form.addEventListener("change", showRequest);
$("again").addEventListener("click", () => view.again());
$("halt").addEventListener("click", () => view.stop());
$("copy").addEventListener("click", ({ target }) => copy($("request").textContent, target));
addEventListener("popstate", () => open().catch(failed));
onKey(start);
start();
