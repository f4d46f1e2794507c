"""Texts taken out of packages."""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from benchmarks.texts import Source, fortunes, poems, prose, text_of


def packed(folder: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(folder / "package.tgz", "w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return folder / "package.tgz"


def test_members_are_read_in_the_order_of_their_names_up_to_a_length(tmp_path: Path) -> None:
    package = packed(tmp_path, {"p/b.txt": b"bbb", "p/a.txt": "äa".encode(), "p/c.js": b"c", "p/d.txt": b"\xff\xfe"})
    assert text_of(Source("npm", "p", "p/*.txt"), package) == "äabbb"
    assert text_of(Source("npm", "p", "p/*.txt", 3), package) == "äab"


def test_wheels(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "p.whl", "w") as archive:
        archive.writestr("p/a.py", "import this\n")
        archive.writestr("p/a.so", "0")
    assert text_of(Source("pip", "p", "*.py"), tmp_path / "p.whl") == "import this\n"


def test_a_package_without_such_a_member(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"package.tgz has no \*.py"):
        text_of(Source("npm", "p", "*.py"), packed(tmp_path, {"a.js": b""}))


def test_sayings_pages_and_poems() -> None:
    assert fortunes("one\n%\ntwo\n") == "one\n\ntwo\n"
    paragraph = "A paragraph that is longer than a menu's entry,\n and has <b>two</b> lines."
    expected = "A paragraph that is longer than a menu's entry, and has two lines.\n"
    assert prose(f"<title>t</title><ul><li>menu</li></ul><p>{paragraph}</p>") == expected
    poem = {"title": "和唐", "author": "韋驤", "paragraphs": ["沼有胡蘆狀。", "霄澄星月影。"]}
    assert poems(json.dumps([poem])) == "和唐\n韋驤\n沼有胡蘆狀。\n霄澄星月影。\n\n"
