"""`GET /openapi.json` and `GET /docs`: the document, and a page of it that needs neither scripts nor the internet."""

from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from typing import Any, Final

from flask import Blueprint, Flask, Response, render_template_string

from service.api.described import describe
from service.api.openapi import document
from service.settings import Settings

STYLE: Final = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
h2 { margin: 2.5rem 0 0.5rem; border-top: 1px solid #ccc; padding-top: 1rem; font-size: 1.1rem; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { background: #f4f4f4; padding: 0.75rem; overflow: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #eee; }
.method { display: inline-block; min-width: 4rem; }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b1b; color: #ddd; } pre { background: #262626; } a { color: #8cf; }
  th, td { border-color: #333; }
}
"""

PAGE: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title><style>{{ style | safe }}</style></head>
<body>
<h1>{{ title }}</h1>
<p>The same as a document for machines: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
{% for operation in operations %}
<h2 id="{{ operation.id }}"><code><span class="method">{{ operation.method }}</span> {{ operation.path }}</code></h2>
<p>{{ operation.summary }}{% if operation.secured %} (needs a key){% endif %}. {{ operation.description }}</p>
{% if operation.fields %}
<table><tr><th>field</th><th>what it may be</th><th>default</th></tr>
{% for field in operation.fields %}
<tr><td><code>{{ field.name }}</code></td><td>{{ field.kind }}</td><td><code>{{ field.default }}</code></td></tr>
{% endfor %}
</table>
{% endif %}
{% for name, value in operation.examples %}<p>{{ name }}:</p><pre>{{ value }}</pre>{% endfor %}
<table><tr><th>status</th><th>meaning</th></tr>
{% for status, meaning in operation.responses %}<tr><td>{{ status }}</td><td>{{ meaning }}</td></tr>{% endfor %}
</table>
{% endfor %}
</body></html>
"""


def blueprint(app: Flask, settings: Settings) -> Blueprint:
    """The routes that describe the application's routes, themselves included."""
    routes = Blueprint("documentation", __name__)
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"

    @cache
    def made() -> dict[str, Any]:
        return document(app, settings)

    @routes.get("/openapi.json")
    @describe("This document", access="open", reply="application/json")
    def openapi() -> Response:
        return Response(json.dumps(made()), mimetype="application/json")

    @routes.get("/docs")
    @describe("This document as a page", access="open", reply="text/html")
    def page() -> Response:
        operations = [
            _shown(made(), path, method, operation)
            for path, methods in made()["paths"].items()
            for method, operation in methods.items()
        ]
        text = render_template_string(PAGE, title=made()["info"]["title"], style=STYLE, operations=operations)
        return Response(text, mimetype="text/html", headers={"Content-Security-Policy": policy})

    return routes


def _shown(document: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    examples = content.get("examples", {}).items()
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", ""),
        "secured": bool(operation["security"]),
        "fields": _fields(document, content.get("schema", {})),
        "examples": [(name, json.dumps(each["value"])) for name, each in examples],
        "responses": [(status, each["description"]) for status, each in operation["responses"].items()],
    }


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> list[dict[str, str]]:
    schema = _resolved(document, schema)
    return [
        {
            "name": name,
            "kind": _kind(document, each) + (", required" if name in schema.get("required", []) else ""),
            "default": json.dumps(each["default"]) if "default" in each else "",
        }
        for name, each in schema.get("properties", {}).items()
    ]


def _kind(document: dict[str, Any], schema: dict[str, Any]) -> str:
    """A schema in words."""
    schema = _resolved(document, schema)
    if "anyOf" in schema:
        kinds = (_kind(document, each) for each in schema["anyOf"])
        return " or ".join(dict.fromkeys(kind for kind in kinds if kind != "null"))
    if "enum" in schema or "const" in schema:
        return " or ".join(map(json.dumps, schema.get("enum", [schema.get("const")])))
    bounds = [f"{words} {schema[name]}" for name, words in _BOUNDS.items() if name in schema]
    items = f" of {_kind(document, schema['items'])}" if "items" in schema else ""
    return ", ".join([schema.get("type", "anything") + items, *bounds])


def _resolved(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


_BOUNDS: Final = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
    "minLength": "length at least",
    "maxLength": "length at most",
    "maxItems": "items at most",
}
