from __future__ import annotations

import pytest
import torch

from charrnn.torch_threads import one_thread


@pytest.mark.parametrize("before", [1, 3])
@pytest.mark.usefixtures("one_thread")
def test_there_is_one_thread_inside_and_as_many_as_before_outside(before: int) -> None:
    torch.set_num_threads(before)
    with one_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before


@pytest.mark.parametrize("before", [1, 3])
@pytest.mark.usefixtures("one_thread")
def test_there_are_as_many_as_before_whatever_is_set_or_raised_inside(before: int) -> None:
    torch.set_num_threads(before)
    with pytest.raises(KeyError), one_thread():
        torch.set_num_threads(2)
        raise KeyError
    assert torch.get_num_threads() == before
