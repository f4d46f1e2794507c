"""Writes a file that only the service's user may read; knows nothing of what is in it."""

from __future__ import annotations

import os
from pathlib import Path

from durable.drafts import draft


def put_secret(path: Path, data: bytes) -> None:
    """Write the file in one step, for the user to whom its folder belongs, also if root does it. Raises OSError, and
    then nothing has changed."""
    with draft(path.parent, 0o600) as new:
        new.file.write(data)
        if os.geteuid() == 0:  # the service may run as another user
            owner = path.parent.stat()
            os.fchown(new.file.fileno(), owner.st_uid, owner.st_gid)
        new.put(path)
