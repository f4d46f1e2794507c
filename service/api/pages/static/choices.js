// Which model and which version is meant: two lists, filled from what the service has.

import { get } from "./api.js";
import { h } from "./dom.js";

/** Fill both lists; `wanted` is `name`, `name@3` or `name@alias`. */
export async function offer(names, versions, wanted) {
  const { models } = await get("/models");
  const [name, version = ""] = wanted.split("@");
  names.replaceChildren(...models.map((model) => h("option", { value: model.name }, model.name)));
  if (models.some((model) => model.name === name)) names.value = name;
  const show = (chosen = "") => {
    const model = models.find((each) => each.name === names.value);
    versions.replaceChildren(...(model ? references(model) : []));
    versions.value = [...versions.options].some((option) => option.value === chosen) ? chosen : versions.value;
  };
  show(version);
  names.onchange = () => show();
}

/** What may stand after the `@`: nothing for `current`, then the other aliases, then every version, the newest first. */
function references({ aliases, versions }) {
  const current = aliases.current === undefined ? [] : [["", `current (version ${aliases.current})`]];
  const others = Object.entries(aliases).filter(([alias]) => alias !== "current");
  const numbers = versions.toSorted((a, b) => b - a);
  return [
    ...current,
    ...others.map(([alias, version]) => [alias, `${alias} (version ${version})`]),
    ...numbers.map((version) => [String(version), `version ${version}`]),
  ].map(([value, shown]) => h("option", { value }, shown));
}
