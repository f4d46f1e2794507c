"""Versions and aliases of models, on disk or shared by several machines; knows no HTTP and no training."""

from model_store.aliases import AliasChange
from model_store.errors import (
    AliasedError,
    CurrentAliasError,
    DamagedVersionError,
    InvalidNameError,
    NoEarlierVersionError,
    NotFoundError,
    StoreError,
)
from model_store.names import CURRENT, check_alias, check_name, parse_reference
from model_store.promotion import POLICIES, Promote, Publication, install_starter, promote_version, publish_and_promote
from model_store.store import ModelStore, VersionInfo

__all__ = [
    "CURRENT",
    "POLICIES",
    "AliasChange",
    "AliasedError",
    "CurrentAliasError",
    "DamagedVersionError",
    "InvalidNameError",
    "ModelStore",
    "NoEarlierVersionError",
    "NotFoundError",
    "Promote",
    "Publication",
    "StoreError",
    "VersionInfo",
    "check_alias",
    "check_name",
    "install_starter",
    "parse_reference",
    "promote_version",
    "publish_and_promote",
]
