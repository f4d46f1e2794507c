// Which model and which version is meant: two lists, filled from what the service has.

import { get } from "./api.js";
import { h } from "./dom.js";

/** Two lists that go together; `changed` hears when another model or version was chosen by hand. */
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

  /** Ask the service what it has: all of it in one request. */
  async load() {
    const { models } = await get("/models?details=true");
    this.#models = models;
    this.#names.replaceChildren(...models.map(({ name }) => h("option", { value: name }, name)));
  }

  /** Choose `name`, `name@3` or `name@alias`; what is not there is chosen as well, for the service to say so. */
  choose(wanted) {
    const [name, version = ""] = wanted.split("@");
    select(this.#names, name);
    this.#offer(version);
  }

  /** The beginning that suits the chosen version, if its record has one. */
  get prompt() {
    const model = this.#model;
    const chosen = this.#versions.value || "current";
    const version = model?.aliases[chosen] ?? Number(chosen);
    return model?.details.find((each) => each.version === version)?.prompt ?? "";
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

/** What may stand after the `@`: nothing for `current`, then the other aliases, then every version, the newest first. */
function references({ aliases, versions }) {
  const current = aliases.current === undefined ? [] : [["", `current (version ${aliases.current})`]];
  const others = Object.entries(aliases).filter(([alias]) => alias !== "current");
  return [
    ...current,
    ...others.map(([alias, version]) => [alias, `${alias} (version ${version})`]),
    ...versions.toSorted((a, b) => b - a).map((version) => [String(version), `version ${version}`]),
  ];
}
