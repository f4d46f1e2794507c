// Code for a request: a shell command, or a few lines of Python; the key is a placeholder, never shown.

/** The request for a shell. */
export function curl(address, body, hasKey) {
  const quoted = `'${JSON.stringify(body).replaceAll("'", "'\\''")}'`;
  return `curl ${address}${hasKey ? ' -H "Authorization: Bearer $KEY"' : ""} --json ${quoted}`;
}

/** The request for Python, with the package `requests`; `answer` is what is printed of the reply, null for its
    text. */
export function python(address, body, hasKey, answer = '["text"]') {
  const headers = hasKey ? '\n    headers={"Authorization": "Bearer " + os.environ["KEY"]},' : "";
  return `${hasKey ? "import os\n\n" : ""}import requests

reply = requests.post(
    "${address}",${headers}
    json={
${Object.entries(body).map(([name, value]) => `        "${name}": ${literal(value)},`).join("\n")}
    },
)
reply.raise_for_status()
print(reply.${answer === null ? "text" : `json()${answer}`})`;
}

/** A JSON value as a Python literal. */
function literal(value) {
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (value !== null && typeof value === "object") {
    return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${literal(each)}`).join(", ")}}`;
  }
  if (value === null) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  return JSON.stringify(value);
}
