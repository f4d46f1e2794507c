"""The number format for training: bfloat16 where a processor multiplies it faster than float32; knows no training."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Final

import torch

from charrnn.config import ModelConfig

FLOAT32: Final = "float32"
BFLOAT16: Final = "bfloat16"

WIDE: Final = 256
"""From this hidden size on, torch's GRU is faster in bfloat16 on a CPU; its LSTM, which oneDNN fuses, always is; the
vanilla cell (charrnn.vanilla) is not. Measured on two cores of an AMD Zen 4, batch 32, segments of 64, characters/s in
float32 and in bfloat16: LSTM 1x128 276,000 and 427,000, 1x256 126,000 and 207,000, 1x512 34,000 and 49,000; GRU 1x128
110,000 and 52,000, 1x256 55,000 and 75,000."""


def fastest_precision(config: ModelConfig, device: torch.device) -> str:
    """FLOAT32 or BFLOAT16, by rule rather than by measurement, so that the same machine always decides the same."""
    if device.type == "cuda":
        # Under autocast, cuDNN's recurrent networks compute in float16 whatever is asked for, and gradients in float16
        # underflow without a scaled loss. It gains little, too: on an H200, steps/s of an LSTM 1x256, 2x512 (batch 32)
        # and 2x1024 (batch 128) are 138, 85 and 82 in float32, and 120, 101 and 82 under autocast.
        return FLOAT32
    capabilities = torch.cpu.get_capabilities()
    native = capabilities.get("avx512_bf16") or capabilities.get("amx_bf16")
    faster = config.cell == "lstm" or (config.cell == "gru" and config.hidden_size >= WIDE)
    return BFLOAT16 if native and faster else FLOAT32


def autocast(precision: str, device: torch.device) -> AbstractContextManager[object]:
    """A context in which torch computes products in this precision."""
    # Without the cache of rounded weights, which threads would share: each weight is used only once.
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == BFLOAT16, cache_enabled=False)
