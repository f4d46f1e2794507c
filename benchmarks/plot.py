"""The benchmarks' figures as one picture, benchmarks/results.png. Run after them: python -m benchmarks.plot."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")

from matplotlib import pyplot
from matplotlib.axes import Axes

FOLDER = Path(__file__).parent
WAYS = (
    "engine int8",
    "engine float32",
    "ONNX Runtime int8",
    "ONNX Runtime fp32",
    "torch by hand bf16",
    "torch by hand fp32",
    "torch module loop",
)


def kernels(axes: Axes, rows: list[dict[str, Any]]) -> None:
    """Characters a second on one core, LSTMs, for every way of generating."""
    shown = [row for row in rows if row["cell"] == "lstm"]
    for place, way in enumerate(WAYS):
        heights = [row["rates"].get(way, 0) for row in shown]
        axes.bar([i + place * 0.11 for i in range(len(shown))], heights, 0.11, label=way)
    names = [f"{row['layers']}x{row['hidden_size']}\nB={row['batch']}" for row in shown]
    axes.set_xticks([i + 0.33 for i in range(len(shown))], names, fontsize=7)
    axes.set_yscale("log")
    axes.set_title("characters a second on one core, LSTM, with sampling")
    axes.legend(fontsize=7, ncols=4)


def requests(axes: Axes, figures: list[dict[str, Any]]) -> None:
    """Requests a second over HTTP against the number of clients."""
    for server in dict.fromkeys(each["server"] for each in figures):
        mine = [each for each in figures if each["server"] == server]
        axes.plot([e["clients"] for e in mine], [e["requests_per_second"] for e in mine], marker="o", label=server)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    axes.set_xlabel("clients")
    axes.set_title("requests a second over HTTP")
    axes.legend(fontsize=7)


def main() -> None:
    figure, (above, below) = pyplot.subplots(2, 1, figsize=(11, 12), layout="constrained")
    kernels(above, json.loads((FOLDER / "kernels.json").read_text())["rows"])
    requests(below, json.loads((FOLDER / "http.json").read_text())["figures"])
    figure.savefig(FOLDER / "results.png", dpi=90)


if __name__ == "__main__":
    main()
