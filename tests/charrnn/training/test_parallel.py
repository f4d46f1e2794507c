"""Training on several processes: the same as on one, and every process agrees with the others."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charrnn.training.parallel import ALONE, Team, device_of
from tests.charrnn.training.one_of_a_team import train
from tests.waiting import LONGEST

SCRIPT = Path(__file__).with_name("one_of_a_team.py")
ROOT = Path(__file__).parents[3]


@given(st.integers(1, 64), st.integers(1, 64))
def test_every_stream_is_read_by_one_process_and_each_has_as_much_to_do(streams: int, size: int) -> None:
    shards = [Team(rank, size).shard(streams) for rank in range(size)]
    assert [stream for shard in shards for stream in range(streams)[shard]] == list(range(streams))
    lengths = [len(range(streams)[shard]) for shard in shards]
    assert max(lengths) - min(lengths) <= 1


def test_each_process_has_a_gpu_of_its_own_where_there_are_gpus() -> None:
    assert [device_of(process, 0) for process in range(3)] == ["cpu"] * 3
    assert [device_of(process, 2) for process in range(2)] == ["cuda:0", "cuda:1"]
    with pytest.raises(RuntimeError, match=r"process number 3 on this machine has no GPU .* there are 2:"):
        device_of(2, 2)


def test_two_processes_train_what_one_does(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""}
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    # On CPUs, for there may be a single GPU.
    subprocess.run([sys.executable, *launcher, SCRIPT, tmp_path], env=environment, check=True, timeout=10 * LONGEST)
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    one = train(ALONE, "cpu")
    assert first == second  # also with a budget in minutes, though each has measured another time
    assert first["minutes"]["record"]["steps"] > 5
    for name in ("steps", "transduce", "classify"):
        alone, together = one[name]["record"], first[name]["record"]
        assert together["steps"] == alone["steps"] and together["characters_seen"] == alone["characters_seen"]
        for a, b in zip(alone["evaluations"], together["evaluations"], strict=True):
            assert (b["training_loss"], b["validation_loss"]) == (
                pytest.approx(a["training_loss"], abs=1e-4),
                pytest.approx(a["validation_loss"], abs=1e-4),
            )
    assert first["steps"]["hidden"] == pytest.approx(one["steps"]["hidden"], abs=1e-3)
