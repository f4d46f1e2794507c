// Two lists to choose a model and a version, filled by the service.

import { all } from "./api.js";
import { h } from "./dom.js";

/** The two lists; `changed` is called when the user chooses another model or version. */
export class ModelLists {
  #names;
  #versions;
  #models = [];

  constructor(names, versions, changed) {
    [this.#names, this.#versions] = [names, versions];
    names.addEventListener("change", () => {
      this.#offer();
      changed();
    });
    versions.addEventListener("change", changed);
  }

  /** Load all models. */
  async load() {
    const { items: models } = await all("/models?details=true", "models");
    this.#models = models;
    this.#names.replaceChildren(...models.map(({ name }) => h("option", { value: name }, name)));
  }

  /** Choose `name`, `name@3` or `name@alias`, even if it does not exist, so that the service reports the error. */
  choose(wanted) {
    const [name, version = ""] = wanted.split("@");
    select(this.#names, name);
    this.#offer(version);
  }

  /** The name, version and unit that are chosen. */
  get chosen() {
    return { name: this.#names.value, version: this.version?.version, unit: this.version?.unit };
  }

  /** What the list says of the chosen version; undefined if there is none. */
  get version() {
    const model = this.#model;
    const chosen = this.#versions.value || "current";
    const version = model?.aliases[chosen] ?? Number(chosen);
    return model?.details.find((each) => each.version === version);
  }

  /** The default prompt of the chosen version, if its record has one. */
  get prompt() {
    return this.version?.prompt ?? "";
  }

  get #model() {
    return this.#models.find(({ name }) => name === this.#names.value);
  }

  #offer(version = "") {
    const options = this.#model ? references(this.#model) : [];
    this.#versions.replaceChildren(...options.map(([value, shown]) => h("option", { value }, shown)));
    if (version || !options.length) select(this.#versions, version);
  }
}

function select(list, value) {
  if (![...list.options].some((option) => option.value === value)) {
    list.append(h("option", { value }, value ? `${value} (not found)` : "none"));
  }
  list.value = value;
}

/** The options after the `@`: nothing for `current`, then the other aliases, then all versions, the newest first. */
function references({ aliases, versions }) {
  const current = aliases.current === undefined ? [] : [["", `current (version ${aliases.current})`]];
  const others = Object.entries(aliases).filter(([alias]) => alias !== "current");
  return [
    ...current,
    ...others.map(([alias, version]) => [alias, `${alias} (version ${version})`]),
    ...versions.toSorted((a, b) => b - a).map((version) => [String(version), `version ${version}`]),
  ];
}
