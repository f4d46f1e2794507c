"""The n-gram table in a checkpoint file: its tensors, and what the file's description says of it; knows no weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from charrnn.ngrams import NgramTable, check_orders, check_shapes

KEY: Final = "ngrams"
"""Of the description; without it, there is no table. The names of the tensors begin with it, and a period."""

_DTYPES: Final = {"U32": "uint32", "U16": "uint16", "F16": "float16"}
"""safetensors' names, and numpy's."""


def described(table: NgramTable | None) -> dict[str, Any]:
    """What is added to the description."""
    return {} if table is None else {KEY: {"orders": list(table.orders)}}


def tensors(table: NgramTable | None) -> dict[str, npt.NDArray[Any]]:
    """The tensors by name, in the order of their names."""
    return {} if table is None else {f"{KEY}.{name}": array for name, array in sorted(table.arrays().items())}


def read(file: Any, description: Mapping[str, Any]) -> NgramTable | None:
    """The table of a safetensors file, if its description says that there is one; its sizes are checked before any
    tensor is read. Raises ValueError if it is one of another release, or none that can be used."""
    if KEY not in description:
        return None
    orders = _orders(description[KEY])
    slices = {name.removeprefix(f"{KEY}."): file.get_slice(name) for name in names(file.keys())}
    check_shapes({name: (_DTYPES.get(s.get_dtype(), ""), tuple(s.get_shape())) for name, s in slices.items()})
    return NgramTable(**{name: file.get_tensor(f"{KEY}.{name}") for name in slices}, orders=orders)


def _orders(says: Any) -> tuple[int, ...]:
    """Raises ValueError for a description of another release."""
    if not isinstance(says, Mapping) or [*says] != ["orders"] or not isinstance(says["orders"], list):
        raise ValueError(f"the n-gram table must have its orders, not {says!r:.80}")
    check_orders(orders := tuple(says["orders"]))
    return orders


def names(found: list[str]) -> list[str]:
    """Those of the names of tensors that are a table's."""
    return [name for name in found if name.startswith(f"{KEY}.")]


def update(digest: Any, table: NgramTable | None) -> None:
    """Add the table to a digest."""
    for name, array in tensors(table).items():
        digest.update(f"\0{name}{array.shape}\0".encode())
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).data)
