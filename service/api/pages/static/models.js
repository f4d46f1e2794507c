// Models: lists and filters all models; admins can promote, download, import and delete versions.

import { all, ask } from "./api.js";
import { confirmed } from "./asking.js";
import { $, count, h, number } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { onKey } from "./key.js";
import { card } from "./model-card.js";
import { save } from "./saving.js";
import { upload } from "./upload.js";

const FEW = 3;
const CHECKPOINT = "application/octet-stream";
const kept = new Set();
let models = null;

async function start() {
  clearError($("page-error"));
  try {
    const first = models === null;
    ({ items: models } = await all("/models?details=true", "models"));
    if (first && models.length <= FEW) models.forEach(({ name }) => kept.add(name));
    $("filter").hidden = models.length <= 1;
    show();
  } catch (error) {
    showError($("page-error"), error);
  }
  $("models").setAttribute("aria-busy", "false");
}

/** Show the models whose names contain the typed words. */
function show() {
  const words = $("words").value.toLowerCase().split(/\s+/).filter(Boolean);
  const found = models.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  $("models").replaceChildren(...found.map((model) => card(model, act, kept)));
  if (!models.length) $("models").replaceChildren(h("p", {}, "There are no models yet."));
  $("found").textContent = words.length ? `${number(found.length)} of ${count(models.length, "model")}` : count(models.length, "model");
}

/** Execute a change, then reload the list. */
async function change(path, options, message) {
  clearError($("page-error"));
  try {
    await ask(path, options);
    await start();
    $("note").textContent = message;
  } catch (error) {
    showError($("page-error"), error);
  }
}

const act = {
  point: (name, version) =>
    change(`/models/${name}/aliases/current`, { method: "PUT", json: { version } }, `${name}: version ${version} is now current.`),

  async remove({ model, version }) {
    if (!(await confirmed(`Delete version ${version} of ${model}? This cannot be undone.`, "Delete it"))) return;
    await change(`/models/${model}/versions/${version}`, { method: "DELETE" }, `${model}: version ${version} was deleted.`);
  },

  async download({ model, version }) {
    clearError($("page-error"));
    try {
      const reply = await ask(`/models/${model}/versions/${version}/weights`);
      save(await reply.blob(), `${model}-${version}.safetensors`);
    } catch (error) {
      showError($("page-error"), error);
    }
  },
};

async function bring(event) {
  event.preventDefault();
  const form = $("import");
  const { file, model, promote } = form.elements;
  clearError($("import-error"), form);
  form.querySelector("button").disabled = true;
  try {
    if (!file.files.length) throw Object.assign(new Error("Choose a file first."), { param: "file" });
    const path = `/models/${encodeURIComponent(model.value)}/versions?promote=${promote.value}`;
    const { body } = await upload(path, file.files[0], CHECKPOINT, () => {}, new AbortController().signal);
    kept.add(body.model);
    await start();
    $("note").textContent = `${body.model}: imported as version ${body.version}.`;
    form.reset();
    $("bring").open = false;
  } catch (error) {
    showError($("import-error"), error, form);
  } finally {
    form.querySelector("button").disabled = false;
  }
}

$("words").addEventListener("input", show);
$("import").addEventListener("submit", bring);
onKey(start);
start();
