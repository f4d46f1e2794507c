"""A form's controls say what the schema of its body says."""

from __future__ import annotations

from service.api.pages.forms import bounds, controls
from service.api.schemas.jobs import JobBody


def test_every_field_of_a_job_that_a_control_can_ask_for_has_one() -> None:
    found = {control.name for control in controls(JobBody)}
    assert set(JobBody.model_fields) - found <= {"budget"}, "what is left is an object"
    assert "cell" not in {control.name for control in controls(JobBody, leave_out=("cell",))}


def test_bounds_options_and_words_are_the_schemas() -> None:
    found = bounds(JobBody)
    assert (found["layers"].low, found["layers"].high, found["layers"].whole) == (1, 16, True)
    assert (found["dropout"].low, found["dropout"].high, found["dropout"].whole) == (0, 0.95, False)
    assert set(found["cell"].options) == {"lstm", "gru", "rnn"}
    assert (found["hidden_size"].label, found["hidden_size"].hint) == ("Hidden size", "Units per layer.")
    assert found["seed"].high == 2**53 - 1, "more is not exact in a browser"
