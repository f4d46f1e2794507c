// Gradients: compares chosen versions in a chart and in the service's words.

import { all, get, picture, url } from "./api.js";
import { $, h } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { onKey } from "./key.js";
import { curl } from "./snippets.js";

const LABELS = ["First", "Second", "Third"];
let latest = 0;

async function start() {
  clearError($("page-error"));
  try {
    const { items: models } = await all("/models?details=true", "models");
    offer(models.flatMap(({ name, details }) => details.toReversed().map((each) => ({ model: name, ...each })))
      .filter(({ gradients }) => gradients));
    await show(new URLSearchParams(location.search).get("versions"));
  } catch (error) {
    showError($("page-error"), error);
  }
}

/** Offer lists of all versions with gradients. */
function offer(versions) {
  const options = versions.map(({ model, version, config }) => {
    const reference = `${model}@${version}`;
    return [reference, `${reference} (${config.cell.toUpperCase()}, ${config.layers} × ${config.hidden_size})`];
  });
  $("chosen").replaceChildren(...LABELS.map((label, index) =>
    h("div", { className: "field" },
      h("label", { htmlFor: `version-${index}` }, label),
      h("select", { id: `version-${index}`, name: "versions" },
        ...[["", "none"], ...options].map(([value, shown]) => h("option", { value }, shown))))));
  $("compare").hidden = !options.length;
}

/** Show these versions; null: those that the service chooses by default. */
async function show(versions) {
  const query = versions === null ? "" : `?versions=${encodeURIComponent(versions)}`;
  const asked = (latest += 1);
  clearError($("page-error"));
  try {
    const compared = await get(`/gradients${query}`);
    const drawn = compared.versions.length ? await picture(`/gradients.svg${query}`) : null;
    if (asked !== latest) return;
    describe(compared);
    draw(drawn, compared);
  } catch (error) {
    if (asked === latest) showError($("page-error"), error);
  }
  $("shown").setAttribute("aria-busy", "false");
}

function describe({ versions, told, same_text: sameText, missing }) {
  const chosen = versions.map(({ model, version }) => `${model}@${version}`);
  for (const [index] of LABELS.entries()) $(`version-${index}`).value = chosen[index] ?? "";
  $("compared").textContent = told;
  $("descriptions").replaceChildren(...versions.map((each) => h("li", {}, each.told)));
  $("texts").hidden = sameText || !versions.length;
  $("missing").hidden = !missing.length;
  const cells = missing.map(({ cell }) => cell.toUpperCase()).join(" and no ");
  $("missing-note").textContent = versions.length
    ? `There is no ${cells} yet. With an admin key, this trains one on the same text:`
    : "No version has recorded gradients yet. Upload a text, then train one version of each cell type on it:";
  const address = location.origin + url("/jobs");
  $("requests").textContent = missing.map((body) => curl(address, body, true)).join("\n");
}

function draw(address, { versions }) {
  if ($("chart").src) URL.revokeObjectURL($("chart").src);
  $("shown").hidden = address === null;
  if (address !== null) $("chart").src = address;
  $("chart").alt = `Gradient norm by steps back. ${versions.map(({ told }) => told).join(" ")}`;
}

function choose(versions) {
  history.replaceState(null, "", versions === null ? location.pathname : `?versions=${versions}`);
  show(versions);
}

$("compare").addEventListener("submit", (event) => {
  event.preventDefault();
  const chosen = LABELS.map((_, index) => $(`version-${index}`).value).filter(Boolean);
  choose(chosen.length ? chosen.join(",") : null);
});
$("newest").addEventListener("click", () => choose(null));
onKey(start);
start();
