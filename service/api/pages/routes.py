"""The pages and the files that they load; a page holds no data: its scripts ask the API, with the reader's own key."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from flask import Blueprint, Response, abort, render_template, url_for

from service.api.described import describe
from service.api.generation_schemas import GenerateBody
from service.api.pages.assets import ALWAYS_ASK, FOREVER, load, send
from service.api.pages.forms import bounds, controls
from service.api.schemas import JobBody
from service.settings import Settings

HERE: Final = Path(__file__).parent
POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)
ALWAYS_ASKED: Final = ("corpus", "model", "budget", "promote")
"""The fields of a job for which its form has controls of its own."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page: the template of its name, where it is found, and what it is called in the navigation."""

    name: str
    path: str
    title: str


PAGES: Final = (
    Page("play", "/", "Play"),
    Page("models", "/ui/models", "Models"),
    Page("train", "/ui/train", "Train"),
    Page("gradients", "/ui/gradients", "Gradients"),
)


def blueprint(settings: Settings) -> Blueprint:
    """The routes of the pages; open to all, as they hold nothing."""
    routes = Blueprint("pages", __name__, template_folder="templates")
    assets = load(HERE / "static")
    forms = {"job": controls(JobBody, ALWAYS_ASKED), "generate": bounds(GenerateBody)}

    def asset(path: str) -> str:
        if path not in assets.files:
            raise LookupError(f"there is no file {path!r} for a page to load")
        return url_for("pages.file", digest=assets.digest, path=path)

    def show(page: Page) -> Response:
        modules = map(asset, assets.modules("frame.js", f"{page.name}.js"))
        text = render_template(
            f"{page.name}.html", page=page, pages=PAGES, asset=asset, modules=modules, settings=settings, **forms
        )
        return send(text.encode(), "text/html", ALWAYS_ASK)

    for page in PAGES:
        view = describe(f"The page {page.title}", access="open", reply="text/html", listed=False)(partial(show, page))
        routes.add_url_rule(page.path, page.name, view)

    @routes.get("/ui/files/<digest>/<path:path>")
    @describe("A file that a page loads", access="open", reply="text/plain", listed=False)
    def file(digest: str, path: str) -> Response:
        if (found := assets.files.get(path)) is None:
            abort(404)
        # Another replica, a version older or newer, may have made the page.
        kept = FOREVER if digest == assets.digest else ALWAYS_ASK
        return send(found.body, found.mimetype, kept, found.packed)

    @routes.after_request
    def protect(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response

    return routes
