"""Files of Debian packages, unpacked into a cache without being installed."""

from __future__ import annotations

import subprocess
from pathlib import Path

CACHE = Path("build/debian")


def files(package: str, pattern: str) -> list[Path]:
    """The files of a package whose paths match, in a fixed order; apt-get downloads it the first time."""
    folder = CACHE / package
    if not folder.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        for old in CACHE.glob(f"{package}_*.deb"):
            old.unlink()
        subprocess.run(["apt-get", "download", "-q", package], cwd=CACHE, check=True, stderr=subprocess.DEVNULL)
        (deb,) = CACHE.glob(f"{package}_*.deb")
        subprocess.run(["dpkg-deb", "-x", deb, folder], check=True)
    return sorted(path for path in folder.rglob(pattern) if path.is_file() and not path.is_symlink())
