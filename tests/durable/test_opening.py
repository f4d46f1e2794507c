from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from durable.objects import StoreSettingsError
from durable.opening import open_objects
from tests.object_server import ObjectServer

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:1"


def opened(url: str, environment: dict[str, str], program: str = "print(open_objects(sys.argv[1]))") -> str:
    """What a process with these AWS_* variables, and no others, says."""
    others = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    program = f"import sys; from durable.opening import open_objects\n{program}"
    command = [sys.executable, "-W", "error", "-c", program, url]
    done = subprocess.run(command, cwd=ROOT, env=others | environment, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize(
    "url",
    [
        *("", "data", "s3:bucket", "s3:/bucket", "/srv/data", "bucket/prefix", "s3://[bucket", "s3://", "s3:///prefix"),
        *("gs://bucket", "http://localhost:8333/bucket", "s3://key:secret@bucket", "s3://localhost:8333/bucket"),
        *("s3://b", "s3://Bucket", "s3://bucket/a?secret", "s3://bucket/a#b", "s3://bucket/a//b", "s3://bucket/../b"),
        *("s3://bucket/.hidden", "s3://bucket/pre fix", "s3://bucket/a\n"),
    ],
)
def test_what_names_no_store_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(
        StoreSettingsError, match="the URL of a store must look like s3://bucket/prefix, with "
    ) as caught:
        open_objects(url)
    assert "secret" not in str(caught.value)


def test_the_environment_says_where_the_server_is(object_server: ObjectServer) -> None:
    use = "objects = open_objects(sys.argv[1]); objects.put('a', b'data'); print(objects, objects.get('a'))"
    said = opened(object_server.url("opened"), object_server.environment(), use)
    assert said.startswith(f"s3://bucket/opened at {object_server.endpoint} Content(data=b'data', etag=")
    assert opened("s3://bucket/", object_server.environment()) == f"s3://bucket at {object_server.endpoint}"


def test_a_server_of_ones_own_needs_credentials() -> None:
    said = opened("s3://bucket", {"AWS_ENDPOINT_URL": NOWHERE})
    assert said.endswith("there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
    said = opened("s3://bucket", {"AWS_ENDPOINT_URL": NOWHERE, "AWS_ACCESS_KEY_ID": "key"})
    assert "AWS_SECRET_ACCESS_KEY" in said or "SecretAccessKey" in said
