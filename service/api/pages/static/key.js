// The user's key and its role: kept only for this tab, sent only to this service.

const NAMES = { key: "charrnn-key", role: "charrnn-role" };
const listeners = [];

export const key = () => sessionStorage.getItem(NAMES.key) ?? "";

/** The key's role, "admin" or "app", as returned by the service when it was entered; "" without a key. */
export const role = () => sessionStorage.getItem(NAMES.role) ?? "";

/** Register a listener for when a key is accepted or forgotten. */
export const onKey = (listener) => listeners.push(listener);

/** Use this key from now on; "" forgets the current one. */
export function keep(value, as = "") {
  for (const [name, kept] of [[NAMES.key, value], [NAMES.role, as]]) {
    if (kept) sessionStorage.setItem(name, kept);
    else sessionStorage.removeItem(name);
  }
  for (const listener of listeners) listener();
}
