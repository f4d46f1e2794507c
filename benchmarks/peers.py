"""Other ways to generate with the same network, each as fast as possible: torch's modules, torch by hand, ONNX
Runtime."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import torch
from onnx import TensorProto, helper, numpy_helper, save
from onnxruntime.quantization import QuantType, quantize_dynamic
from torch import nn

from charrnn.checkpoint import Checkpoint
from charrnn.config import GATES

TEMPERATURE = 0.8
Step = Callable[[int], None]
"""Generates that many ids for every sequence of the batch."""


def usual_loop(checkpoint: Checkpoint, batch: int) -> Step:
    """The usual loop: one-hot input, one step of torch's module, softmax, multinomial."""
    config = checkpoint.config
    module = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[config.cell]
    rnn = module(config.vocabulary_size, config.hidden_size, config.layers, batch_first=True)
    rnn.load_state_dict(
        {name[4:]: torch.tensor(w) for name, w in checkpoint.weights.items() if name.startswith("rnn.")}
    )
    output = nn.Linear(config.hidden_size, config.vocabulary_size)
    output.load_state_dict({name: torch.tensor(checkpoint.weights[f"output.{name}"]) for name in ("weight", "bias")})
    memory: dict[str, Any] = {"ids": torch.arange(batch) % config.vocabulary_size, "state": None}

    @torch.inference_mode()
    def step(times: int) -> None:
        ids, state = memory["ids"], memory["state"]
        for _ in range(times):
            x = nn.functional.one_hot(ids, config.vocabulary_size).float().unsqueeze(1)
            y, state = rnn(x, state)
            ids = torch.multinomial(torch.softmax(output(y[:, 0]) / TEMPERATURE, dim=-1), 1)[:, 0]
        memory.update(ids=ids, state=state)

    return step


def by_hand(checkpoint: Checkpoint, batch: int, dtype: torch.dtype) -> Step:
    """torch at its best: the input's product folded into a table, one addmm for each layer."""
    config = checkpoint.config
    w = {name: torch.tensor(value) for name, value in checkpoint.weights.items()}
    table = (w["rnn.weight_ih_l0"].T + w["rnn.bias_ih_l0"] + _folded_bias(config.cell, w, 0)).to(dtype)
    hidden = [w[f"rnn.weight_hh_l{k}"].T.contiguous().to(dtype) for k in range(config.layers)]
    inputs = [None, *(w[f"rnn.weight_ih_l{k}"].T.contiguous().to(dtype) for k in range(1, config.layers))]
    joined = [None if i is None else torch.cat([i, h]).contiguous() for i, h in zip(inputs, hidden, strict=True)]
    biases = [(w[f"rnn.bias_ih_l{k}"] + _folded_bias(config.cell, w, k)).to(dtype) for k in range(config.layers)]
    rest = [w[f"rnn.bias_hh_l{k}"].to(dtype) for k in range(config.layers)]
    output, output_bias = w["output.weight"].T.contiguous().to(dtype), w["output.bias"].to(dtype)
    h = [torch.zeros(batch, config.hidden_size, dtype=dtype) for _ in range(config.layers)]
    c = [torch.zeros(batch, config.hidden_size, dtype=dtype) for _ in range(config.layers)]
    memory = {"ids": torch.arange(batch) % config.vocabulary_size}

    def layer(k: int, x: torch.Tensor) -> None:
        if config.cell == "gru":
            a = x if k == 0 else torch.addmm(biases[k], x, inputs[k])
            b = torch.addmm(rest[k], h[k], hidden[k]) - _other(config, rest[k])
            (ar, az, an), (br, bz, bn) = a.chunk(3, 1), b.chunk(3, 1)
            n = torch.tanh(an + torch.sigmoid(ar + br) * bn)
            h[k] = torch.lerp(n, h[k], torch.sigmoid(az + bz))
            return
        sums = torch.addmm(x, h[k], hidden[k]) if k == 0 else torch.addmm(biases[k], torch.cat([x, h[k]], 1), joined[k])
        if config.cell == "rnn":
            h[k] = torch.tanh(sums)
            return
        i, f, g, o = sums.chunk(4, 1)
        c[k] = torch.sigmoid(f) * c[k] + torch.sigmoid(i) * torch.tanh(g)
        h[k] = torch.sigmoid(o) * torch.tanh(c[k])

    @torch.inference_mode()
    def step(times: int) -> None:
        ids = memory["ids"]
        for _ in range(times):
            x = table[ids]
            for k in range(config.layers):
                layer(k, x)
                x = h[k]
            logits = torch.addmm(output_bias, x, output).float()
            ids = torch.multinomial(torch.softmax(logits / TEMPERATURE, dim=-1), 1)[:, 0]
        memory["ids"] = ids

    return step


def _folded_bias(cell: str, w: dict[str, torch.Tensor], k: int) -> torch.Tensor:
    bias = w[f"rnn.bias_hh_l{k}"].clone()
    if cell == "gru":
        bias[2 * bias.numel() // 3 :] = 0
    return bias


def _other(config: Any, rest: torch.Tensor) -> torch.Tensor:
    """The hidden biases of a GRU's first two gates, which are included in the input's."""
    other = rest.clone()
    other[2 * config.hidden_size :] = 0
    return other


def onnx_runtime(checkpoint: Checkpoint, batch: int, int8: bool, folder: Path) -> Step:
    """ONNX Runtime on one thread: the folded table, one product a matrix; int8 with a scale an output."""
    config = checkpoint.config
    path = folder / f"{config.cell}-{config.hidden_size}-{config.layers}.onnx"
    if not path.exists():
        save(_graph(checkpoint), path)
    if int8:
        quantized = path.with_suffix(".int8.onnx")
        if not quantized.exists():
            quantize_dynamic(path, quantized, per_channel=True, weight_type=QuantType.QInt8)
        path = quantized
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [value.name for value in session.get_inputs()]
    random = np.random.default_rng(0)
    states = [np.zeros((batch, config.hidden_size), dtype=np.float32) for _ in names[1:]]
    memory: dict[str, Any] = {"ids": np.arange(batch) % config.vocabulary_size, "states": states}

    def step(times: int) -> None:
        ids, states = memory["ids"], memory["states"]
        for _ in range(times):
            logits, *states = session.run(None, dict(zip(names, [ids, *states], strict=True)))
            ids = _sample(logits, random)
        memory.update(ids=ids, states=states)

    return step


def _sample(logits: npt.NDArray[np.float32], random: np.random.Generator) -> npt.NDArray[np.int64]:
    scaled = logits * np.float32(1 / TEMPERATURE)
    cumulated = np.exp(scaled - scaled.max(axis=1, keepdims=True)).cumsum(axis=1)
    points = random.random((len(logits), 1), dtype=np.float32) * cumulated[:, -1:]
    return np.minimum((cumulated <= points).sum(axis=1), logits.shape[1] - 1)


class _Graph:
    """Nodes and constants of an ONNX graph under construction."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, kind: str, *inputs: str, outputs: int = 1, name: str | None = None, **attributes: Any) -> Any:
        names = [name or f"v{len(self.nodes)}_{i}" for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def constant(self, value: npt.NDArray[Any]) -> str:
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name


def _graph(checkpoint: Checkpoint) -> Any:
    config, w, g = checkpoint.config, checkpoint.weights, _Graph()
    size, gates = config.hidden_size, GATES[config.cell]
    inputs = [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch"])]
    outputs = [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", config.vocabulary_size])]
    parts = ("h", "c")[: config.state_parts]
    for k in range(config.layers):
        for part in parts:
            inputs.append(helper.make_tensor_value_info(f"{part}{k}", TensorProto.FLOAT, ["batch", size]))
            outputs.append(helper.make_tensor_value_info(f"{part}{k}_", TensorProto.FLOAT, ["batch", size]))
    x = ""
    for k in range(config.layers):
        bias = w[f"rnn.bias_hh_l{k}"].copy()
        rest = bias * 0
        if config.cell == "gru":
            rest[2 * size :], bias[2 * size :] = bias[2 * size :], 0
        bias = bias + w[f"rnn.bias_ih_l{k}"]
        if k == 0:
            a = g.add("Gather", g.constant(w["rnn.weight_ih_l0"].T + bias), "ids")
        else:
            a = g.add("Add", g.add("MatMul", x, g.constant(w[f"rnn.weight_ih_l{k}"].T)), g.constant(bias))
        b = g.add("MatMul", f"h{k}", g.constant(w[f"rnn.weight_hh_l{k}"].T))
        x = _cell(g, config.cell, k, a, b, g.constant(rest) if config.cell == "gru" else "", gates)
    product = g.add("MatMul", x, g.constant(w["output.weight"].T))
    g.add("Add", product, g.constant(w["output.bias"]), name="logits")
    graph = helper.make_graph(g.nodes, "step", inputs, outputs, g.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _cell(g: _Graph, cell: str, k: int, a: str, b: str, rest: str, gates: int) -> str:
    if cell == "gru":
        b = g.add("Add", b, rest)
        (ar, az, an), (br, bz, bn) = (g.add("Split", v, outputs=gates, axis=1) for v in (a, b))
        r, z = (g.add("Sigmoid", g.add("Add", *pair)) for pair in ((ar, br), (az, bz)))
        n = g.add("Tanh", g.add("Add", an, g.add("Mul", r, bn)))
        return str(g.add("Add", n, g.add("Mul", z, g.add("Sub", f"h{k}", n)), name=f"h{k}_"))
    sums = g.add("Add", a, b)
    if cell == "rnn":
        return str(g.add("Tanh", sums, name=f"h{k}_"))
    i, f, c, o = g.add("Split", sums, outputs=gates, axis=1)
    kept = g.add("Mul", g.add("Sigmoid", f), f"c{k}")
    memory = g.add("Add", kept, g.add("Mul", g.add("Sigmoid", i), g.add("Tanh", c)), name=f"c{k}_")
    return str(g.add("Mul", g.add("Sigmoid", o), g.add("Tanh", memory), name=f"h{k}_"))
