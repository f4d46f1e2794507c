"""Where compiled kernels are kept between starts; knows no engine."""

from __future__ import annotations

from pathlib import Path

import numba


def keep_kernels(folder: Path) -> None:
    """Have numba keep what it compiles in `folder`, unless NUMBA_CACHE_DIR says otherwise.

    Its own choice, beside the program's files, may be somebody else's folder, or gone with the next image.
    """
    options = vars(numba.config)
    options["CACHE_DIR"] = options["CACHE_DIR"] or str(folder.absolute())
