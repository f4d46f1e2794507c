// Learn: loads the script of each part when the part comes near the view, and says in the contents where the reader is.

import { url } from "./api.js";
import { h } from "./dom.js";
import { clearError, showError } from "./errors.js";
import { onKey } from "./key.js";
import { copy } from "./saving.js";

const NEAR = { rootMargin: "50% 0px" };
const READ = { rootMargin: "-30% 0px -65% 0px" };
const ADDRESS = "http://127.0.0.1:8000"; // of the service, in the examples as they are sent

const parts = [...document.querySelectorAll("[data-part]")];
const links = new Map([...document.querySelectorAll(".parts a")].map((link) => [link.hash.slice(1), link]));
const loaded = new Map();
const started = new Set();
const failed = new Set();

/** Load a part's script, once, and have it `start`, which needs no service, and `ask` the service: again, if that
    fails. */
function load(part) {
  if (!loaded.has(part)) loaded.set(part, begin(part));
  return loaded.get(part);
}

async function begin(part) {
  const error = part.querySelector(":scope > .error");
  part.setAttribute("aria-busy", "true");
  clearError(error);
  failed.delete(part);
  try {
    const { start, ask } = await import(`./learn/${part.id}.js`);
    if (!started.has(part)) start?.(part);
    started.add(part);
    await ask?.(part);
  } catch (reason) {
    failed.add(part);
    fail(part, error, reason);
  }
  part.setAttribute("aria-busy", "false");
}

/** Show why a part did not begin; a key that it lacks is not asked for, as the reader may be elsewhere. */
function fail(part, error, reason) {
  const told = reason.status === 401 ? "it asks the service, which needs a key; enter it above" : reason.message;
  showError(error, Object.assign(reason, { status: 0, message: `This part could not be loaded: ${told.replace(/\.$/, "")}.` }));
  error.append(" ", h("button", { type: "button", className: "small", onclick: () => again(part) }, "Try again"));
}

function again(part) {
  loaded.delete(part);
  return load(part);
}

/** Go to the part that the address names, once all above it have their height. */
async function arrive() {
  const part = parts.find(({ id }) => id === location.hash.slice(1));
  if (!part) return;
  await Promise.all(parts.slice(0, parts.indexOf(part) + 1).map(load));
  part.scrollIntoView();
}

const watch = (options, act) => {
  const observer = new IntersectionObserver((entries) => entries.filter((each) => each.isIntersecting).forEach(act), options);
  parts.forEach((part) => observer.observe(part));
};

watch(NEAR, ({ target }) => load(target));
watch(READ, ({ target }) => links.forEach((link, id) => {
  if (id === target.id) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}));

for (const code of document.querySelectorAll("[data-language]")) {
  code.textContent = code.textContent.replaceAll(ADDRESS, location.origin + url(""));
}
for (const button of document.querySelectorAll("[data-copy]")) {
  button.addEventListener("click", () => copy(button.closest(".yourself").querySelector("code").textContent, button));
}
onKey(() => failed.forEach(again));
addEventListener("hashchange", arrive);
arrive();
