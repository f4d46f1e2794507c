// The cell that the text is coloured by, and the value that it is held at while a text is generated: controls and `set`.

import { $ } from "./dom.js";

/** The chosen cell, null for none; shows the controls that suit the choice. */
export function chosenCell() {
  const { value } = $("colour");
  $("unit").hidden = value !== "unit";
  $("hold").hidden = value !== "unit" && !value.startsWith("{");
  if (value === "unit") return { layer: Number($("layer").value), unit: Number($("cell").value), part: $("part").value };
  return value.startsWith("{") ? JSON.parse(value) : null;
}

/** The field `set` of a request: the chosen cell with its value, if it has one. */
export function heldCells() {
  const cell = chosenCell();
  const { value } = $("held");
  return cell === null || value === "" ? [] : [{ ...cell, value: Number(value) }];
}

/** Show what the address's `set` says. */
export function showHeld(set) {
  const cell = parsed(set);
  $("held").value = cell?.value ?? "";
  if (!cell) return;
  $("colour").value = "unit";
  [$("layer").value, $("cell").value, $("part").value] = [cell.layer, cell.unit, cell.part ?? "hidden"];
  chosenCell();
}

function parsed(set) {
  try {
    return JSON.parse(set);
  } catch {
    return null;
  }
}
