"""A URL rule that learns how to build its URLs when one is built: this takes most of the time in which an application
is made, and few rules need it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import Rule

Build = Callable[..., tuple[str, str]]


class LateRule(Rule):
    """Compiles what builds its URLs when it is first used."""

    def _compile_builder(self, append_unknown: bool = True) -> Build:
        @cache
        def compiled() -> Build:
            return super(LateRule, self)._compile_builder(append_unknown)

        def build(rule: Rule, /, **values: Any) -> tuple[str, str]:
            return compiled()(rule, **values)

        return build
