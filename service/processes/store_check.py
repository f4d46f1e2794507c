"""Whether the store of STORE_URL can be used with this data directory, as a process of its own: one that has used a
store must not be forked."""

from __future__ import annotations

import sys

from durable.objects import ObjectsError, StoreRefusedError, StoreSettingsError, StoreUnavailableError
from service.bootstrap.stores import open_stores
from service.data_format import DataFormatError
from service.processes.preflight import AWAY
from service.settings import read_settings


def main() -> int:
    """Print what is wrong with the store, if anything; returns the exit status: 1 if it cannot be used, or AWAY."""
    try:
        open_stores(read_settings()).mirror.check_store()
    except StoreUnavailableError as error:
        return _failed(str(error), 1 if isinstance(error, StoreRefusedError) else AWAY)
    except (StoreSettingsError, DataFormatError, ObjectsError, OSError) as error:
        return _failed(f"STORE_URL cannot be used: {error}", 1)
    return 0


def _failed(message: str, status: int) -> int:
    sys.stdout.write(message)
    return status


if __name__ == "__main__":
    sys.exit(main())
