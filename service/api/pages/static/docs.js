// The API page: a form at each route sends its request and shows the reply as it arrives.

import { headers, url } from "./api.js";
import { confirmed } from "./asking.js";
import { $, bytes, h, number } from "./dom.js";
import { save } from "./saving.js";

const LONGEST = 50_000;

/** The request in the form. */
function read(form) {
  const query = new URLSearchParams();
  const more = {};
  let path = form.dataset.path;
  let body;
  for (const control of form.querySelectorAll("[data-place]")) {
    const { name, value, dataset: { place, type } } = control;
    if (place === "path") path = path.replace(`{${name}}`, encodeURIComponent(value));
    else if (place === "query" && value) query.set(name, value);
    else if (place === "header" && value) more[name] = value;
    else if (place === "body") [body, more["Content-Type"]] = [value, "application/json"];
    else if (place === "file") [body, more["Content-Type"]] = [control.files[0], type];
  }
  return [path + (query.size ? `?${query}` : ""), { method: form.dataset.method, body, headers: headers(more) }];
}

async function send(form) {
  const { method, path } = form.dataset;
  if (method === "DELETE" && !(await confirmed(`Send DELETE ${path}? This may be impossible to undo.`, "Send it"))) return;
  const [status, answer, halt] = [".status", ".answer", ".halt"].map((each) => form.querySelector(each));
  const stopping = new AbortController();
  halt.hidden = false;
  halt.onclick = () => stopping.abort();
  status.textContent = "Sending …";
  answer.replaceChildren();
  answer.hidden = false;
  const began = performance.now();
  try {
    const [where, request] = read(form);
    const reply = await fetch(url(where), { cache: "no-store", ...request, signal: stopping.signal });
    const type = reply.headers.get("Content-Type") ?? "";
    status.textContent = `${reply.status} ${reply.statusText}, ${number(performance.now() - began)} ms${type ? `, ${type}` : ""}`;
    await show(reply, type, answer);
  } catch (error) {
    if (error.name !== "AbortError") status.textContent = "The service cannot be reached.";
  } finally {
    halt.hidden = true;
    answer.hidden = !answer.childNodes.length;
  }
}

/** Show a picture, offer a file, format JSON, and show anything else as it arrives. */
async function show(reply, type, answer) {
  if (type.startsWith("image/")) {
    answer.replaceChildren(h("img", { alt: "The picture in the reply", src: URL.createObjectURL(await reply.blob()) }));
  } else if (type.startsWith("application/octet-stream")) {
    const file = await reply.blob();
    answer.replaceChildren(h("button", { type: "button", className: "small", onclick: () => save(file, "reply") }, `Save ${bytes(file.size)}`));
  } else if (type.startsWith("application/json")) {
    const text = JSON.stringify(await reply.json(), null, 2);
    answer.textContent = text.length > LONGEST ? `${text.slice(0, LONGEST)}\n… (${number(text.length)} characters)` : text;
  } else {
    await stream(reply, answer);
  }
}

async function stream(reply, answer) {
  if (!reply.body) return;
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
    answer.append(value.slice(0, Math.max(0, LONGEST - answer.textContent.length)));
  }
}

document.addEventListener("submit", (event) => {
  const form = event.target.closest(".try form");
  if (!form) return;
  event.preventDefault();
  send(form);
});
document.addEventListener("change", ({ target }) => {
  if (target.matches("[data-examples]")) target.form.querySelector("[name=body]").value = target.value;
});
if (matchMedia("(max-width: 60rem)").matches) $("contents").open = false;
