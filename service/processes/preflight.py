"""Checks before any process starts: the data directory is not in use, the port is free, the settings can be
satisfied."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TextIO

from durable import locks
from durable.entries import close_to_others, is_folder, set_aside
from durable.locks import ClaimedError
from service import data_format
from service.data_dir import DataDir
from service.data_format import DataFormatError
from service.settings import Settings
from service.store_format import check_alone

AWAY: Final = 3
"""The exit status of the process that checks the store, if that does not answer, but may later."""
CHECK_STORE: Final = "from service.processes.store_check import main; sys.exit(main())"
LOOK_FOR_GPU: Final = "from charrnn.engine.gpu.batch import gpu_available; raise SystemExit(not gpu_available())"


class StartError(Exception):
    """The service cannot start; the message names the setting, its value and what to do."""


def lock(data: DataDir) -> TextIO:
    """Create the data directory and lock it until the returned file is closed or the process ends, however it ends.

    Raises StartError if another process holds the lock, if the directory cannot be created or written, or if its format
    is not one that this release reads.
    """
    try:
        data.make()
        data.run.chmod(0o700)
        _check_owned(data)
        claimed = locks.claim(data.lock)
        for secret in data.secrets:
            close_to_others(secret)
        _tidy(data.run)
        return claimed
    except ClaimedError as error:
        raise StartError(
            f"DATA_DIR={data.root} is in use by a running service (process {error.holder}); "
            "stop that one, or start this one with another DATA_DIR and PORT"
        ) from error
    except DataFormatError as error:
        raise StartError(str(error)) from error
    except OSError as error:
        reason = f"{error.strerror} ({error.filename})" if error.filename else error.strerror
        raise StartError(
            f"DATA_DIR={data.root} cannot be used: {reason}; set DATA_DIR to a folder that this user may write"
        ) from error


def _tidy(run: Path) -> None:
    """Set aside what a process that starts could not write, would wait for, or would write elsewhere through: folders
    with names of files, pipes and links."""
    for path in run.iterdir():
        is_in_the_way = is_folder(path) and path.suffix and not path.name.startswith(".")
        if is_in_the_way or path.is_symlink() or path.is_fifo():
            set_aside(path)


def _check_owned(data: DataDir) -> None:
    """Raises PermissionError if this user may not write a folder in it, or may not read a key."""
    for path in (data.root, *data.folders):
        if path.is_dir() and not os.access(path, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    for key in data.secrets:
        if key.exists() and not os.access(key, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(key))


def open_standard_streams() -> None:
    """Open those that were closed when the service was started (`2>&-`), so that no other file gets their numbers."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number, this one


def check_data(settings: Settings) -> None:
    """For a process that is started on its own, without the lock. Raises SystemExit with an error in one line if this
    release must not work on the data directory or on the store."""
    try:
        data_format.check(settings.data.format)
        check_store(settings)
    except (StartError, DataFormatError) as error:
        raise SystemExit(f"service: {error}") from error


def has_torch() -> bool:
    """Whether torch is installed; it is not imported."""
    return find_spec("torch") is not None


def check_torch(purpose: str) -> None:
    """Raises StartError if torch, needed for this purpose, is not installed."""
    if not has_torch():
        raise StartError(f"{purpose} needs PyTorch, which is not installed: pip install torch")


def check_device(device: str) -> None:
    """Raises StartError for a GPU if none can be used. A separate process checks this, because it needs to import
    torch."""
    if device != "cuda":
        return
    check_torch("DEVICE=cuda")
    looked = subprocess.run([sys.executable, "-c", LOOK_FOR_GPU], capture_output=True, check=False)
    if looked.returncode:
        raise StartError("DEVICE=cuda, but PyTorch finds no GPU; set DEVICE=cpu (the default)")


def check_store(settings: Settings) -> str:
    """Raises StartError if the store of STORE_URL, or DATA_DIR without one, cannot be used. Returns a sentence for a
    store that does not answer, empty if all is well: what DATA_DIR has of it is served, and it is waited for.

    A separate process checks this: one that has used a store must not be forked.
    """
    if not settings.store_url:
        try:
            check_alone(settings.data.store)
        except DataFormatError as error:
            raise StartError(str(error)) from error
        return ""
    command = [sys.executable, "-P", "-c", f"import sys; sys.path[:] = {sys.path!r}; {CHECK_STORE}"]
    looked = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if looked.returncode not in (0, AWAY):
        raise StartError(looked.stdout or "STORE_URL cannot be used; see above")
    return f"{looked.stdout}; it is waited for" if looked.stdout else ""


def check_address(host: str, port: int) -> None:
    """Raises StartError if nothing can listen on `host` and `port` now."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except (OSError, UnicodeError) as error:
        raise StartError(_address_message(host, port, error)) from error


def is_free(host: str, port: int) -> bool:
    """Whether this could be listened on now."""
    try:
        check_address(host, port)
    except StartError:
        return False
    return True


def _address_message(host: str, port: int, error: OSError | UnicodeError) -> str:
    if isinstance(error, UnicodeError):
        return _no_address(host, "no name of a host")
    if error.errno == errno.EADDRINUSE:
        return f"PORT={port} is in use on {host}; stop what listens there, or set another, as in: PORT={port + 1}"
    if error.errno == errno.EACCES:
        return f"PORT={port} may not be listened on by this user; set one above 1023, as in: PORT=8000"
    return _no_address(host, error.strerror or str(error))


def _no_address(host: str, reason: str) -> str:
    return (
        f"HOST={host} is no address to listen on here: {reason}; set another, as in: HOST=127.0.0.1"
        " (conda and some shells set a HOST of their own)"
    )
