// Calls the service's routes: JSON, pictures and events; every failure is an ApiError.

import { key } from "./key.js";

const root = document.documentElement.dataset.root;

export const url = (path) => root + path;

/** An error of the service with its message; `param` is the field at fault, and further fields are included.
    Status 0: it did not answer. */
export class ApiError extends Error {
  constructor(status, { message, ...rest }, retryAfter = null) {
    super(message);
    Object.assign(this, { code: "", param: null, ...rest, status, retryAfter });
  }
}

/** Whether it is worth asking again after a while: the service was not there, or was ending. */
export const passing = ({ status, code }) =>
  (status === 0 || status >= 502 || code === "server_ending") && code !== "deadline_exceeded";

const lost = (message) => new ApiError(0, { code: "connection_lost", message });

/** The headers of every request. */
export const headers = (more = {}) => (key() ? { Authorization: `Bearer ${key()}`, ...more } : more);

/** The error for a reply's text, whatever it contains. */
export function toError(status, text, retryAfter = null) {
  try {
    return new ApiError(status, JSON.parse(text).error, retryAfter);
  } catch {
    return new ApiError(status, { code: "unknown", message: `the service answered with status ${status}` });
  }
}

/** A successful reply; `options.json` is sent as the body. */
export async function ask(path, { json, ...options } = {}) {
  if (json !== undefined) {
    options = { method: "POST", ...options, body: JSON.stringify(json) };
    options.headers = { "Content-Type": "application/json", ...options.headers };
  }
  let reply;
  try {
    reply = await fetch(url(path), { cache: "no-store", ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw lost("The service cannot be reached. Is it running?");
  }
  if (!reply.ok) throw toError(reply.status, await reply.text(), reply.headers.get("Retry-After"));
  return reply;
}

/** The JSON of a reply. */
export const get = async (path, options) => (await ask(path, options)).json();

/** The items of a list, the newest first, which the service returns in pages: all, or those of the first `most` pages;
    `more`: whether there are others. */
export async function all(path, field, most = Infinity) {
  const items = [];
  let [more, after] = [true, null];
  for (let page = 0; more && page < most; page += 1) {
    const next = after === null ? "" : `${path.includes("?") ? "&" : "?"}after=${encodeURIComponent(after)}`;
    const reply = await get(path + next);
    items.push(...reply[field]);
    [more, after] = [reply.has_more, reply.last_id];
  }
  return { items, more };
}

/** A picture, fetched with the key, as a URL for an <img>. */
export const picture = async (path) => URL.createObjectURL(await (await ask(path)).blob());

/** The events of a reply, `{id, kind, data}`, until `[DONE]`. */
export async function* events(path, options = {}) {
  for await (const block of pieces(path, options, "\n\n")) {
    const event = parse(block);
    if (event === null) continue;
    if (event.data === "[DONE]") return;
    event.data = JSON.parse(event.data);
    if (event.data.error && !event.kind) throw new ApiError(200, event.data.error);
    yield event;
  }
}

/** The objects of a reply with one a line, until one that is `done`. */
export async function* lines(path, options = {}) {
  for await (const line of pieces(path, options, "\n")) {
    const found = JSON.parse(line);
    if (found.error) throw new ApiError(200, found.error);
    yield found;
    if (found.done) return;
  }
}

/** The parts of a reply that each end with the separator. Throws if the connection is lost; a reply without content has
    none. */
async function* pieces(path, options, separator) {
  const reply = await ask(path, options);
  if (reply.status === 204) return;
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { done, value } = await next(reader);
    if (done) throw lost("The connection was closed before the reply was complete.");
    const found = (rest + value).split(separator);
    rest = found.pop();
    yield* found;
  }
}

async function next(reader) {
  try {
    return await reader.read();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw lost("The connection to the service was lost.");
  }
}

/** One event of a stream; null for a comment that only keeps it alive. */
function parse(block) {
  const event = { id: "", kind: "", data: null };
  for (const line of block.split("\n")) {
    const [, field, value] = /^(\w*): ?(.*)$/.exec(line) ?? [];
    if (field === "data") event.data = value;
    else if (field === "event") event.kind = value;
    else if (field === "id") event.id = value;
  }
  return event.data === null ? null : event;
}
