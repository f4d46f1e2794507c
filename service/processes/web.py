"""Process 1: what gunicorn serves."""

from __future__ import annotations

from flask import Flask

from service.bootstrap import build_web
from service.settings import Settings


def create_app() -> Flask:
    """The application, with its scheduler running; called in each web process after the fork."""
    return build_web(Settings())
