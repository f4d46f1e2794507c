// Finds and creates elements; text is always set as text, so that generated text never becomes markup.

export const $ = (id) => document.getElementById(id);

/** An element with these properties (`data-*` and `aria-*` as attributes), listeners (`onclick`) and children. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && !name.includes("-")) element[name] = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** The header of a table; an empty title is for the column of buttons. */
export const columns = (...titles) =>
  h("thead", {}, h("tr", {}, ...titles.map((title) =>
    h("th", { scope: "col" }, title || h("span", { className: "visually-hidden" }, "Actions")))));

/** A number formatted for readers, with at most `digits` decimals. */
export const number = (value, digits = 0) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** A count with its noun: `count(1, "character")`. */
export const count = (n, noun) => `${number(n)} ${noun}${n === 1 ? "" : "s"}`;

/** A duration in seconds, in words. */
export function duration(seconds) {
  if (seconds < 10) return `${number(seconds, 1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${number(seconds / 3600, 1)} h`;
}

/** A time (ISO 8601) in the user's locale and time zone. */
export function moment(iso) {
  const shown = new Date(iso).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  return h("time", { dateTime: iso, title: iso }, shown);
}

/** A size in bytes, in the largest fitting unit. */
export function bytes(n) {
  for (const [size, unit] of [[1e9, "GB"], [1e6, "MB"], [1e3, "KB"]]) {
    if (n >= size) return `${number(n / size, 1)} ${unit}`;
  }
  return count(n, "byte");
}
