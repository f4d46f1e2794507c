"""Opens a store of objects by its URL, and loads what it needs only then."""

from __future__ import annotations

import importlib
import re
from typing import Final

from durable.objects import Objects, StoreSettingsError

URL: Final = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])((?:/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)/?")
URL_RULE: Final = (
    "look like s3://bucket/prefix, with a bucket of lower-case letters, digits, - and ., and a prefix of letters,"
    " digits, -, _, = and .; the address of a server belongs into AWS_ENDPOINT_URL, and keys into AWS_ACCESS_KEY_ID and"
    " AWS_SECRET_ACCESS_KEY"
)


def open_objects(url: str) -> Objects:
    """The store in a bucket, `s3://bucket/prefix`, or `s3://bucket` for all of it. Where the server is and who asks,
    the AWS_* variables say. Nothing is asked yet. Raises StoreSettingsError; its message does not contain the URL,
    which may have keys in it."""
    parts = URL.fullmatch(url)
    if parts is None:
        raise StoreSettingsError(f"the URL of a store must {URL_RULE}")
    module = importlib.import_module("durable.s3_objects")
    objects: Objects = module.S3Objects(parts[1], parts[2].strip("/"))
    return objects
