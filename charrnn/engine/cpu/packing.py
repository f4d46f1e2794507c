"""Packs a checkpoint's weights in the order in which the compiled step reads them; knows no batch and no files.

Layers are padded to full blocks of units (16; 64 for an rnn): padding units have weights and states of 0 and add
nothing to any sum. With w for a vector of weights (charrnn.engine.cpu.quantizing) and columns as in
charrnn.engine.cpu.gates, the arrays of a PackedModel are

    table                   [vocabulary, blocks, added columns, 16] float32, biases included
    weights_l{k}            [blocks, (depth of the input, its columns), (depth of the state, its columns)] of w
    constants_l{k}          [blocks, first sums (int32) and scales of the columns if int8, the cell's biases, 16]
    bias_l{k}               [blocks, added columns, 16] float32, for k > 0
    output_weights          [groups, depth, 4] of w; the last group may be [depth, 2]
    output_constants        [groups, first sums, scales if int8, biases, 4 or 2, 16]; bias -inf beyond the outputs

and where not every id may follow every other, charrnn.following's

    kinds                   [vocabulary] int32
    rules                   [MAX_KINDS, MAX_KINDS] int32
    masks                   [n, blocks of logits, 16] float32

and with an n-gram table (charrnn.ngrams)

    pairs                   [n, 3] int32: key, id, and the bits of its odds in float32
    buckets                 [2^bits + 1] int32: where the pairs begin whose keys begin with these bits
    orders                  [n] int32: the lengths of its contexts; missing where they are EARLIER_ORDERS

All that is multiplied or added before a gate carries the gate's factor (charrnn.engine.cpu.gates).
"""

from __future__ import annotations

import numpy as np

from charrnn.checkpoint import Checkpoint, Weights
from charrnn.config import GATES, ModelConfig
from charrnn.engine.cpu.gates import LAYOUTS, OUTPUT_COLUMNS
from charrnn.engine.cpu.instructions import Precision
from charrnn.engine.cpu.lanes import LANES
from charrnn.engine.cpu.packed_model import Array, PackedModel
from charrnn.engine.cpu.quantizing import Floats, packed_matrices, side_by_side


def pack(checkpoint: Checkpoint, precision: Precision = "int8") -> PackedModel:
    """Pack a checkpoint's weights for the kernels."""
    config, weights = checkpoint.config, checkpoint.weights
    arrays: dict[str, Array] = {"table": _table(config, weights)}
    for layer in range(config.layers):
        arrays |= _layer(config, weights, layer, precision)
    arrays |= _outputs(checkpoint, precision) | _following(checkpoint) | _ngrams(checkpoint)
    return PackedModel.of({"digest": checkpoint.digest, "precision": precision, "config": config.as_dict()}, arrays)


def precision_of(checkpoint: Checkpoint) -> Precision:
    """int8, unless its loss differed too much from that of the float32 network when this was measured at
    publication."""
    return "float32" if checkpoint.record.precision == "float32" else "int8"


def padded_size(config: ModelConfig) -> int:
    """The hidden size, rounded up to full blocks."""
    unit = LANES * LAYOUTS[config.cell].groups
    return -(-config.hidden_size // unit) * unit


def logit_blocks(config: ModelConfig) -> int:
    """Blocks of sixteen logits that the output layer writes: full groups, and possibly half a group at the end."""
    half = OUTPUT_COLUMNS // 2
    return -(-config.outputs // (LANES * half)) * half


def _table(config: ModelConfig, weights: Weights) -> Floats:
    """[vocabulary, blocks, added, 16]: W_ih e + b for each id's embedding e, or its one-hot vector."""
    layout = LAYOUTS[config.cell]
    matrix = weights["rnn.weight_ih_l0"]  # [gates * hidden, embedding or vocabulary]
    product = weights["embedding.weight"] @ matrix.T if config.embedding_size else matrix.T
    bias, factors = _bias(config, weights, 0), _added_factors(config)
    blocks = padded_size(config) // (LANES * layout.groups)
    table = np.empty((config.vocabulary_size, blocks, len(layout.added), LANES), dtype=np.float32)
    for row, added in zip(table, product, strict=True):  # one by one: the table may be large
        row[:] = _columns(config, _gates(config, np.ascontiguousarray(added)) + bias) * factors
    return table


def _layer(config: ModelConfig, weights: Weights, layer: int, precision: Precision) -> dict[str, Array]:
    """Weights, constants and bias of a layer; the first one's product with its input is the table."""
    layout, size = LAYOUTS[config.cell], padded_size(config)
    names = ([f"rnn.weight_ih_l{layer}"] if layer else []) + [f"rnn.weight_hh_l{layer}"]
    column_sets = ([layout.input] if layer else []) + [layout.hidden]
    # [gates * hidden, hidden] as [gates, padded, padded], then [blocks, columns, 16, padded].
    matrices = [_columns(config, _pad(_gates(config, weights[name]), 2, size)) for name in names]
    packed, constants = packed_matrices(matrices, column_sets, layout.factors, precision)
    if layout.biases:  # a GRU's, not included in the sums because r is multiplied by it
        last = _columns(config, _gates(config, weights[f"rnn.bias_hh_l{layer}"]))[:, 2:3]
        constants.append((last * layout.factors[2]).astype(np.float32))
    arrays = {f"weights_l{layer}": packed, f"constants_l{layer}": side_by_side(constants, packed.shape[0])}
    if layer:
        added = _columns(config, _bias(config, weights, layer)) * _added_factors(config)
        arrays[f"bias_l{layer}"] = added.astype(np.float32)
    return arrays


def _outputs(checkpoint: Checkpoint, precision: Precision) -> dict[str, Array]:
    """The output layer in groups of 64 ids; the last group has 32 if that is enough."""
    config, (weight, known) = checkpoint.config, checkpoint.output_weights
    width = OUTPUT_COLUMNS * LANES
    rows = logit_blocks(config) * LANES
    matrix = _pad(_pad(weight, 1, padded_size(config)), 0, rows)  # [rows, padded hidden]
    bias = np.full(rows, -np.inf, dtype=np.float32)  # what is not an output is never chosen
    bias[: config.outputs] = known
    full = rows // width * width
    packed, constants = [], []
    for first, last, columns in ((0, full, OUTPUT_COLUMNS), (full, rows, OUTPUT_COLUMNS // 2)):
        if last == first:
            continue
        groups = matrix[first:last].reshape(-1, columns, LANES, matrix.shape[1])
        w, c = packed_matrices([groups], [tuple(range(columns))], (1.0,) * columns, precision)
        packed.append(w.reshape(-1))
        biases = bias[first:last].reshape(-1, columns * LANES)
        constants.append(side_by_side([*c, biases], groups.shape[0]).reshape(-1))
    return {"output_weights": np.concatenate(packed), "output_constants": np.concatenate(constants)}


def _following(checkpoint: Checkpoint) -> dict[str, Array]:
    following = checkpoint.following
    if following is None:
        return {}
    masks = _pad(following.masks, 1, logit_blocks(checkpoint.config) * LANES)
    return {"kinds": following.kinds, "rules": following.rules, "masks": masks}


def _ngrams(checkpoint: Checkpoint) -> dict[str, Array]:
    table = checkpoint.ngrams
    if table is None:
        return {}
    columns = (table.keys.astype(np.int32), table.ids.astype(np.int32), table.odds.astype(np.float32).view(np.int32))
    orders = np.array(table.orders, dtype=np.int32)
    return {"pairs": np.stack(columns, axis=1), "buckets": table.buckets(), "orders": orders}


def _bias(config: ModelConfig, weights: Weights, layer: int) -> Floats:
    """The bias, [gates, padded hidden], without a GRU's last hidden bias."""
    hidden = _gates(config, weights[f"rnn.bias_hh_l{layer}"]).copy()
    if config.cell == "gru":
        hidden[2] = 0
    return _gates(config, weights[f"rnn.bias_ih_l{layer}"]) + hidden


def _added_factors(config: ModelConfig) -> Array:
    """[added columns, 1] float64."""
    layout = LAYOUTS[config.cell]
    return np.array([layout.factors[column] for column in layout.added])[:, None]


def _gates(config: ModelConfig, vector: Floats) -> Floats:
    """[gates * hidden, ...] as [gates, padded hidden, ...], zeros beyond the hidden size."""
    gates = vector.reshape(GATES[config.cell], config.hidden_size, *vector.shape[1:])
    return _pad(gates, 1, padded_size(config))


def _columns(config: ModelConfig, gates: Floats) -> Floats:
    """[gates, padded hidden, ...] as [blocks, columns, 16, ...]: an rnn's columns are the groups of its one gate."""
    layout, rest = LAYOUTS[config.cell], gates.shape[2:]
    if layout.groups > 1:
        return gates.reshape(-1, layout.groups, LANES, *rest)
    return np.moveaxis(gates.reshape(gates.shape[0], -1, LANES, *rest), 0, 1)


def _pad(array: Floats, axis: int, size: int) -> Floats:
    widths = [(0, size - n if i == axis else 0) for i, n in enumerate(array.shape)]
    return np.pad(array, widths)
