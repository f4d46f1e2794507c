"""The routes of the pages and of their files; a page contains no data: its scripts call the API, with the user's own
key."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from flask import Blueprint, Response, abort, render_template, request, url_for
from markupsafe import Markup, escape

from charrnn.parameters import parameters
from charrnn.sampling import SamplingParams
from service.api.openapi.operations import describe
from service.api.pages.assets import ALWAYS_ASK, FOREVER, load, send
from service.api.pages.chapters import Document, chapters, statuses
from service.api.pages.forms import controls
from service.api.pages.learn import PARTS
from service.api.pages.record_words import arrangements
from service.api.schemas.generate import GenerateBody
from service.api.schemas.jobs import BudgetBody, JobBody
from service.api.schemas.labels import TransduceBody
from service.api.schemas.records import RecordsBody
from service.settings import Settings
from service.training.curves import DIVERGED
from service.training.jobs.requests import DEFAULT_BUDGET
from service.training.records.preview import PREVIEW_BYTES

HERE: Final = Path(__file__).parent
ALWAYS_ASKED: Final = (
    *("corpus", "model", "budget", "promote"),
    *("task", "unit", "separator", "format", "fields", "skip_bad_rows", "delay"),
)
"""The fields of a job with special controls in its form."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its template, its path, and its title in the navigation."""

    name: str
    path: str
    title: str


DOCS: Final = Page("docs", "/docs", "API")
PAGES: Final = (
    Page("play", "/", "Play"),
    Page("models", "/ui/models", "Models"),
    Page("train", "/ui/train", "Train"),
    Page("gradients", "/ui/gradients", "Gradients"),
    Page("learn", "/ui/learn", "Learn"),
    DOCS,
)
NOWHERE: Final = Page("nowhere", "", "Not here")


def blueprint(settings: Settings, document: Callable[[], Document]) -> Blueprint:
    """The routes of the pages; open to all, because they contain no data. One page shows the `document` of all
    routes."""
    routes = Blueprint("pages", __name__, template_folder="templates")
    assets = load(HERE / "static")
    routes.add_app_template_filter(marked)
    routes.add_app_template_filter(plain)

    @cache
    def forms() -> dict[str, Any]:
        generate, sampling = controls(GenerateBody, settings), parameters(SamplingParams)
        return {
            "job": controls(JobBody, settings),
            "budget": controls(BudgetBody, settings),
            "usual_budget": DEFAULT_BUDGET.as_dict(),
            "always_asked": ALWAYS_ASKED,
            "arrangements": arrangements(),
            "previewed": PREVIEW_BYTES,
            "generate": generate,
            "records": controls(RecordsBody, settings),
            "transduce": controls(TransduceBody, settings),
            "sampling": [each for each in generate.values() if each.name in sampling and each.default is not None],
        }

    def asset(path: str) -> str:
        if path not in assets.files:
            raise LookupError(f"there is no file {path!r} for a page to load")
        return url_for("pages.file", digest=assets.digest, path=path)

    def show(page: Page, **more: Any) -> Response:
        scripts = [name for name in ("frame.js", f"{page.name}.js") if name in assets.files]
        modules = map(asset, assets.modules(*scripts))
        common = {"page": page, "pages": PAGES, "asset": asset, "modules": modules, "settings": settings}
        text = render_template(f"{page.name}.html", **common, **forms(), diverged=DIVERGED, parts=PARTS, **more)
        return send(text.encode(), "text/html", ALWAYS_ASK)

    @cache
    def documented() -> dict[str, Any]:
        return {
            "title": document()["info"]["title"],
            "chapters": chapters(document()),
            "statuses": statuses(document()),
        }

    for page in PAGES:
        if page is DOCS:
            continue
        view = describe(f"The page {page.title}", access="open", content_type="text/html", listed=False)(
            partial(show, page)
        )
        routes.add_url_rule(page.path, page.name, view)

    @routes.get(DOCS.path)
    @describe("This document as a page", access="open", content_type="text/html")
    def docs() -> Response:
        return show(DOCS, **documented())

    @routes.get("/ui/", defaults={"path": ""})
    @routes.get("/ui/<path:path>")
    @describe("A page that there is not", access="open", content_type="text/html", listed=False)
    def nowhere(path: str) -> Response:
        if request.accept_mimetypes.best_match(("application/json", "text/html")) != "text/html":
            abort(404)
        response = show(NOWHERE, path=path)
        response.status_code = 404
        return response

    @routes.get("/ui/files/<digest>/<path:path>")
    @describe("A file that a page loads", access="open", content_type="text/plain", listed=False)
    def file(digest: str, path: str) -> Response:
        if (found := assets.files.get(path)) is None:
            abort(404)
        # The page may come from another replica with an older or newer release.
        kept = FOREVER if digest == assets.digest else ALWAYS_ASK
        return send(found.body, found.mimetype, kept, found.packed)

    return routes


def marked(text: str) -> Markup:
    """HTML for a text with `code` in backticks."""
    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # nosec B704 # the text is escaped


def plain(number: float | None) -> str:
    """A number as typed by users: "1", not "1.0"; empty for None."""
    return "" if number is None else f"{number:g}"
