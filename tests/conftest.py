"""Compiled kernels are kept in one place for all tests and the processes that they start, from run to run."""

from __future__ import annotations

import os
from pathlib import Path

KERNELS = Path(__file__).parent.parent / ".numba_cache"

# Set before numba is first imported, and inherited by every process that a test starts.
os.environ.setdefault("NUMBA_CACHE_DIR", str(KERNELS))
