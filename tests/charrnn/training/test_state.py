"""Resume points as bytes."""

import numpy as np
import pytest

from charrnn.measurements import Evaluation, Reach
from charrnn.training.schedule import Schedule
from charrnn.training.state import Position, TrainingState, TrainingStateError


def state() -> TrainingState:
    tensors = {"model/b": np.arange(3, dtype=np.float32), "hidden": np.full((1, 1, 2, 3), 0.1, dtype=np.float32)}
    position = Position(step=7, seconds=0.1 + 0.2, loss_sum=1 / 3, schedule=Schedule(90, 10, place_then=1 / 7))
    evaluations, gradients = [Evaluation(0, 0, None, 1 / 7)], [Reach(0, 0, ((1.0, 0.1),))]
    return TrainingState(tensors, position, {"training": {"seed": 2**63 - 1}}, evaluations, gradients)


def test_the_position_is_one_flat_object_of_which_earlier_releases_wrote_some_fields() -> None:
    position = state().position
    assert position.as_dict() | {"total": 90, "evaluate_every": 10, "step": 7} == position.as_dict()
    assert Position.from_dict(position.as_dict()) == position
    assert Position.from_dict({"step": 7, "total": None}) == Position(step=7)
    with pytest.raises(TypeError):
        Position.from_dict({"place": 7})


def test_another_runs_state_is_refused_naming_what_differs() -> None:
    own = {"training": {"seed": 2**63 - 1, "validation_split": "end"}}
    state().check(own)
    with pytest.raises(TrainingStateError, match="another run's: training differs"):
        state().check({"training": {"seed": 0, "validation_split": "end"}})


def test_bytes_and_back() -> None:
    back = TrainingState.from_bytes(state().to_bytes())
    assert back.position == state().position
    assert back.run == state().run and back.evaluations == state().evaluations
    assert back.gradients == state().gradients
    assert {name: tensor.tolist() for name, tensor in back.tensors.items()} == {
        name: tensor.tolist() for name, tensor in state().tensors.items()
    }


def test_the_same_state_gives_the_same_bytes() -> None:
    assert state().to_bytes() == state().to_bytes() == TrainingState.from_bytes(state().to_bytes()).to_bytes()


def test_what_was_read_can_be_written_to() -> None:
    assert TrainingState.from_bytes(state().to_bytes()).tensors["hidden"].flags.writeable


@pytest.mark.parametrize("size", [0, 4, 8, 100, -1])
def test_half_a_resume_point_is_refused(size: int) -> None:
    with pytest.raises(TrainingStateError, match="not a resume point"):
        TrainingState.from_bytes(state().to_bytes()[:size])


@pytest.mark.parametrize("place", [-1, -9, -30])
def test_a_flipped_bit_is_found(place: int) -> None:
    data = bytearray(state().to_bytes())
    data[place] ^= 1
    with pytest.raises(TrainingStateError, match="damaged"):
        TrainingState.from_bytes(bytes(data))


@pytest.mark.parametrize("data", [b"x" * 100, b"\x02" + bytes(7) + b"[]", b"\x02" + bytes(7) + b"{}"])
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(TrainingStateError, match="not a resume point"):
        TrainingState.from_bytes(data)


def test_another_format_is_refused() -> None:
    data = state().to_bytes().replace(b'\\"format\\": 2', b'\\"format\\": 9')
    with pytest.raises(TrainingStateError, match="not a resume point of format 2"):
        TrainingState.from_bytes(data)
