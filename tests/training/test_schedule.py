from __future__ import annotations

import pytest

from idf.training.recipe import StageRecipe
from idf.training.schedule import learning_rate


def rates(warmup: float, steps: int) -> list[float]:
    recipe = StageRecipe("imagery", "m", "d", "r", learning_rate=1.0, warmup=warmup)
    return [learning_rate(recipe, step, steps) for step in range(steps)]


def test_the_learning_rate_rises_linearly_to_its_peak_and_falls_along_a_cosine():
    assert rates(0.3, 10)[:5] == pytest.approx([0.25, 0.5, 0.75, 1.0, 0.9505], abs=1e-4)
    assert rates(0.3, 10)[3:] == sorted(rates(0.3, 10)[3:], reverse=True)
    assert 0 < rates(0.3, 10)[-1] < 0.1


def test_a_warmup_of_less_than_a_step_is_none():
    assert rates(0.03, 4)[0] == 1.0
