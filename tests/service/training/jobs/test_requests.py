import json

import pytest

from charrnn.training.config import Budget
from model_store import InvalidNameError
from service.training.errors import JobRequestError
from service.training.jobs.requests import JobRequest


def test_what_is_not_given_is_left_to_the_trainer() -> None:
    request = JobRequest("0" * 16, "bard", {"dropout": 0.0, "seed": 7})
    assert {name: value for name, value in request.as_dict().items() if value is not None} == {
        "corpus": "0" * 16,
        "model": "bard",
        "dropout": 0.0,
        "seed": 7,
        "budget": {"minutes": 5},
        "promote": "if_better",
        "task": "generate",
        "skip_bad_rows": 0.0,
    }
    assert request.budget == Budget(minutes=5)
    assert request.promote == "if_better"


@pytest.mark.parametrize(
    ("base", "version"),
    [(None, None), ("auto", None), ("none", None), ("bard", "bard"), ("auto@1", "auto@1"), ("none@best", "none@best")],
)
def test_a_base_is_a_version_unless_it_says_how_to_choose_one(base: str | None, version: str | None) -> None:
    assert JobRequest("0" * 16, "bard", base=base).version == version


def test_a_request_survives_json() -> None:
    request = JobRequest("0" * 16, "bard", {"cell": "gru", "layers": 2}, budget=Budget(epochs=1.5), promote="never")
    assert JobRequest.from_dict(json.loads(json.dumps(request.as_dict()))) == request


def test_a_request_of_a_later_version_can_be_read() -> None:
    values = JobRequest("0" * 16, "bard").as_dict() | {"colour": "red", "created": "today"}
    assert JobRequest.from_dict(values) == JobRequest("0" * 16, "bard")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"cell": "transformer"}, "cell"),
        ({"hidden_size": 0}, "hidden_size"),
        ({"layers": 17}, "layers"),
        ({"embedding_size": -1}, "embedding_size"),
        ({"dropout": 1.0}, "dropout"),
        ({"segment_length": 0}, "segment_length"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"learning_rate": 0.0}, "learning_rate"),
        ({"clip": -1.0}, "clip"),
        ({"weight_decay": 11.0}, "weight_decay"),
        ({"validation_fraction": 0.6}, "validation_fraction"),
        ({"validation_split": "middle"}, "validation_split"),
        ({"seed": -1}, "seed"),
        ({"promote": "sometimes"}, "promote"),
    ],
)
def test_what_is_out_of_bounds_is_named(fields: dict[str, object], field: str) -> None:
    with pytest.raises(JobRequestError) as caught:
        JobRequest.from_dict({"corpus": "0" * 16, "model": "bard", "budget": {"steps": 1}, **fields})
    assert caught.value.field == field
    assert repr(fields[field]) in str(caught.value)


def test_a_setting_that_there_is_not_is_named() -> None:
    with pytest.raises(JobRequestError, match="colour is not a parameter of a training job") as caught:
        JobRequest("0" * 16, "bard", {"colour": "red"})
    assert caught.value.field == "colour"


@pytest.mark.parametrize("name", ["../x", "", "a/b"])
def test_a_model_that_could_leave_the_store_is_refused(name: str) -> None:
    with pytest.raises(InvalidNameError):
        JobRequest("0" * 16, name)
