// What the form asks for, as the body of POST /generate, and the same as a line for a shell.

const NUMBERS = ["length", "temperature", "top_k", "top_p", "min_p", "repetition_penalty"];
const ESCAPES = { n: "\n", t: "\t", r: "\r", "\\": "\\" };
const DEFAULT_LENGTH = "200";

/** The request's body; what stands at the service's default is left out. */
export function read(form) {
  const { model, version, prompt, seed, stop, unknown } = form.elements;
  const body = { model: model.value + (version.value && `@${version.value}`), prompt: prompt.value };
  for (const name of NUMBERS) Object.assign(body, numeric(form.elements.namedItem(name)));
  if (seed.value.trim()) body.seed = whole(seed.value.trim());
  const stops = stop.value.split("\n").filter(Boolean).map(unescape);
  if (stops.length) body.stop = stops;
  if (unknown.checked) body.unknown = "skip";
  return body;
}

function numeric({ name, value }) {
  const neutral = { length: DEFAULT_LENGTH, temperature: "1", top_k: "0", top_p: "1", min_p: "0", repetition_penalty: "1" };
  return value === "" || value === neutral[name] ? {} : { [name]: Number(value) };
}

/** A number if it is one that survives as one; else the text itself, about which the service says what is wrong. */
function whole(text) {
  return /^-?\d+$/.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : text;
}

const unescape = (text) => text.replace(/\\([ntr\\])/g, (_, letter) => ESCAPES[letter]);

/** The request for a shell; the key is named, not shown. */
export function curl(address, body, hasKey) {
  const quoted = `'${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return `curl ${address}${hasKey ? ' -H "Authorization: Bearer $KEY"' : ""} --json ${quoted}`;
}
