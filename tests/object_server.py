"""A real S3-compatible server for tests, SeaweedFS, on ports of its own; it keeps its data in a folder."""

from __future__ import annotations

import itertools
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from durable.objects import StoreUnavailableError
from durable.s3_objects import S3Objects
from tests.ports import free_port
from tests.waiting import until

if TYPE_CHECKING:
    from obstore.store import S3Config

BUCKET: Final = "bucket"
RIGHTS: Final = {
    "admin": ["Admin", "Read", "Write", "List", "Tagging"],
    "user": [f"{right}:{BUCKET}" for right in ("Read", "Write", "List")],
    "reader": [f"Read:{BUCKET}", f"List:{BUCKET}"],
    "writer": [f"Write:{BUCKET}"],
}
"""Who may do what; the secret keys are the names reversed."""

PORTS: Final = ("master.port", "volume.port", "filer.port", "s3.port")
PROGRAM: Final = Path(sys.executable).parent / "weed"
PREFIXES: Final = itertools.count(1)


class ObjectServer:
    """`weed server -s3` with its data in `folder`, and a bucket."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ports = {name: free_port() for name in (*PORTS, *(f"{each}.grpc" for each in PORTS))}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        return self._ports["s3.port"]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, prefix: str | None = None) -> str:
        """A STORE_URL there; if no prefix is named, one that nothing has used."""
        return f"s3://{BUCKET}/{f'prefix-{next(PREFIXES)}' if prefix is None else prefix}"

    def settings(self, user: str = "admin", endpoint: str | None = None) -> S3Config:
        """What `S3Objects` needs to know."""
        return {
            "endpoint": endpoint or self.endpoint,
            "access_key_id": user,
            "secret_access_key": user[::-1],
            "region": "us-east-1",
        }

    def environment(self, user: str = "admin", endpoint: str | None = None) -> dict[str, str]:
        """The same as variables of a process."""
        return {
            "AWS_ENDPOINT_URL": endpoint or self.endpoint,
            "AWS_ACCESS_KEY_ID": user,
            "AWS_SECRET_ACCESS_KEY": user[::-1],
            "AWS_REGION": "us-east-1",
        }

    def start(self) -> None:
        """Start it, with what is in the folder; returns when it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        people = [
            {"name": name, "credentials": [{"accessKey": name, "secretKey": name[::-1]}], "actions": rights}
            for name, rights in RIGHTS.items()
        ]
        (self.folder / "s3.json").write_text(json.dumps({"identities": people}))
        options = {
            **self._ports,
            **{"dir": self.folder, "ip": "127.0.0.1", "ip.bind": "127.0.0.1", "s3.config": self.folder / "s3.json"},
            **{"master.volumeSizeLimitMB": 64, "volume.max": 50, "volume.minFreeSpace": "0"},
            **{"master.electionTimeout": "1s", "master.telemetry": "false"},
            **{"s3.port.iceberg": 0, "s3.port.lance": 0},
        }
        command = [str(PROGRAM), "server", "-s3", *(f"-{name}={value}" for name, value in options.items())]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        until(self._answers)

    def stop(self) -> None:
        """Kill it; its data stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Kill it, and delete its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def suspend(self) -> None:
        """Let it answer nothing, though it is there."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it answer again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        """Whether it writes; this makes the bucket too."""
        assert self._process is not None and self._process.poll() is None, (self.folder / "log").read_text()
        objects = S3Objects(BUCKET, "", self.settings(), patience=0)
        try:
            objects.put("started", b"")
            objects.delete("started")
        except StoreUnavailableError:
            return False
        return True
