"""What a script imports, directly or not, wherever it is."""

from __future__ import annotations

from pathlib import Path

from service.api.pages.assets import load


def test_modules_are_found_from_folder_to_folder(tmp_path: Path) -> None:
    (tmp_path / "part").mkdir()
    (tmp_path / "page.js").write_text('import "./part/one.js";\n')
    (tmp_path / "part" / "one.js").write_text('import { a } from "./two.js";\nimport { b } from "../shared.js";\n')
    (tmp_path / "part" / "two.js").write_text('export * from "../shared.js";\nawait import("./late.js");\n')
    (tmp_path / "shared.js").write_text("export const a = 1;\n")
    assert load(tmp_path).modules("page.js") == ["page.js", "part/one.js", "part/two.js", "shared.js"]
