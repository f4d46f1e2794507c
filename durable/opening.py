"""Opens a store of objects by its URL, and loads what it needs only then."""

from __future__ import annotations

import importlib
from typing import Final
from urllib.parse import SplitResult, urlsplit

from durable.objects import Objects, StoreSettingsError, is_key

FORM: Final = "s3://BUCKET/PREFIX"


def open_objects(url: str) -> Objects:
    """The store in a bucket, `s3://BUCKET/PREFIX`, or `s3://BUCKET` for all of it. Where the server is and who asks,
    the AWS_* variables say. Nothing is asked yet. Raises StoreSettingsError."""
    if "://" not in url:
        raise StoreSettingsError(f"it should be {FORM}, but {url!r} is no URL")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise StoreSettingsError(f"it should be {FORM}, but it is no URL: {error}") from None
    prefix = parts.path.strip("/")
    if fault := _fault(parts, prefix):
        raise StoreSettingsError(f"it should be {FORM}, but {fault}")
    module = importlib.import_module("durable.s3_objects")
    objects: Objects = module.S3Objects(parts.netloc, prefix)
    return objects


def _fault(parts: SplitResult, prefix: str) -> str:
    """What is wrong with the URL, without any secret that it may have; empty if nothing is."""
    faults = {
        f"it begins with {parts.scheme}://": parts.scheme != "s3",
        "it has credentials, which belong into AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY": "@" in parts.netloc,
        "it names no bucket": not parts.netloc,
        "it has a port: the address of a server belongs into AWS_ENDPOINT_URL": ":" in parts.netloc,
        "there is a ? or # in it": bool(parts.query or parts.fragment),
        f"{prefix!r} is no prefix: a part of it is empty or begins with a dot": bool(prefix) and not is_key(prefix),
    }
    return next((fault for fault, found in faults.items() if found), "")
