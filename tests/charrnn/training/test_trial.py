"""A short training: the same every time, lower from a base that knows the text, and soon over."""

import numpy as np
import pytest

from charrnn.checkpoint import Checkpoint
from charrnn.config import ModelConfig
from charrnn.training.config import Budget, TrainingConfig
from charrnn.training.data import TrainingText
from charrnn.training.trial import trial_loss
from charrnn.vocabulary import Vocabulary
from tests.charrnn.training.brief import brief
from tests.texts import FOX

VOCABULARY = Vocabulary.of([FOX])
TEXT = TrainingText(VOCABULARY.encode(FOX), VOCABULARY)
CONFIG = ModelConfig(len(VOCABULARY), hidden_size=16, embedding_size=4)
TRAINING = TrainingConfig(Budget(steps=200), segment_length=16, batch_size=4, learning_rate=0.02)


def trial(base: Checkpoint | None = None, steps: int = 3, text: TrainingText = TEXT) -> float:
    loss = trial_loss(CONFIG, TRAINING, text, base, steps, device="cpu")
    assert loss is not None
    return loss


def test_a_trial_is_lower_after_more_steps_and_from_a_base_that_knows_the_text() -> None:
    trainer = brief(CONFIG, TRAINING, TEXT)
    for _ in trainer.run():
        pass
    base = trainer.checkpoint()
    assert base.record.validation_loss is not None
    assert trial(steps=0) == pytest.approx(np.log(len(VOCABULARY)), abs=0.3)
    assert trial(steps=0) == trial(steps=0) > trial(steps=100) > trial(base, 0)
    assert trial(base, 0) == pytest.approx(base.record.validation_loss, abs=0.05)


def test_a_trial_of_a_text_that_is_too_short_has_no_loss() -> None:
    text = TrainingText(TEXT.ids[:200], VOCABULARY)
    assert trial_loss(CONFIG, TRAINING, text, None, 3, device="cpu") is None


def test_a_trial_can_be_left_at_every_step() -> None:
    def check() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        trial_loss(CONFIG, TRAINING, TEXT, None, 3, device="cpu", check=check)
