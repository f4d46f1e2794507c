"""The programming language of a line: source code of Debian packages in eight languages."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.records.debian import files
from benchmarks.records.parts import Parts, Row, parts

PACKAGES = {
    "c": ("linux-libc-dev", "*.h"),
    "go": ("golang-golang-x-tools-dev", "*.go"),
    "javascript": ("npm", "*.js"),
    "perl": ("perl-modules-5.36", "*.pm"),
    "php": ("php-twig", "*.php"),
    "python": ("libpython3.11-stdlib", "*.py"),
    "ruby": ("libruby3.1", "*.rb"),
    "tcl": ("tcllib", "*.tcl"),
}


def make(seed: int) -> Parts:
    """Lines of 10 to 120 characters without the space around them; those of one file are in one part."""
    return parts(_lines(), seed, most=(4_000, 1_000))


def _lines() -> Iterator[tuple[str, Row]]:
    for language, (package, pattern) in PACKAGES.items():
        for path in files(package, pattern):
            for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
                if 10 <= len(line.strip()) <= 120:
                    yield str(path), {"text": line.strip(), "label": language}
