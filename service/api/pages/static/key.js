// The reader's key and what it is good for: kept for this tab alone, sent to this service only.

const NAMES = { key: "charrnn-key", role: "charrnn-role" };
const listeners = [];

export const key = () => sessionStorage.getItem(NAMES.key) ?? "";

/** "admin" or "app", as the service said when the key was entered; "" without one. */
export const role = () => sessionStorage.getItem(NAMES.role) ?? "";

/** Call when a key was accepted or forgotten. */
export const onKey = (listener) => listeners.push(listener);

/** Use this key from now on; "" forgets the one that there was. */
export function keep(value, as = "") {
  for (const [name, kept] of [[NAMES.key, value], [NAMES.role, as]]) {
    if (kept) sessionStorage.setItem(name, kept);
    else sessionStorage.removeItem(name);
  }
  for (const listener of listeners) listener();
}
