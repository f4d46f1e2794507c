// A network's steps side by side: a table with a column for each step.

import { h } from "../dom.js";

/** A table of steps: `titles` of its columns, buttons that call `go` with their number if that is given; `rows` of
    { title, cells, className }; `groups` of columns, { title, span, className }, above the titles; `mark` gives the
    classes of a column, and `at` is the current one. */
export function unrolled({ caption, titles, rows, groups, go, className = "", at = null, mark = (t) => (t === at ? "now" : "") }) {
  const head = (title, t) => h("th", { scope: "col", className: mark(t) }, go
    ? h("button", { type: "button", className: "small", "aria-current": t === at ? "step" : null, onclick: () => go(t) }, title)
    : title);
  const row = ({ title, cells, className = "" }) => h("tr", { className }, h("th", { scope: "row" }, title),
    ...cells.map((cell, t) => h("td", { className: mark(t) }, cell)));
  return h("table", { className: `unrolled ${className}` },
    h("caption", { className: "visually-hidden" }, caption),
    h("thead", {},
      groups && h("tr", {}, h("td"), ...groups.map(({ title, span, className = "" }) =>
        h("th", { scope: "colgroup", colSpan: span, className }, title))),
      h("tr", {}, h("td"), ...titles.map(head))),
    h("tbody", {}, ...rows.map(row)));
}

/** Put a new table in the place of the last; the current step stays in sight, and the focus on its button. */
export function renew(place, table) {
  const focused = place.contains(document.activeElement) && place !== document.activeElement;
  place.replaceChildren(table);
  const current = place.querySelector("thead .now");
  if (focused) current?.querySelector("button")?.focus({ preventScroll: true });
  if (current) place.scrollLeft = current.offsetLeft - place.clientWidth / 2;
}
