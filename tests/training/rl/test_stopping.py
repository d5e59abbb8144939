from __future__ import annotations

import pytest

from idf.errors import UserError
from idf.training.rl.stopping import Collapse
from idf.training.stage3_recipe import StopRecipe
from tests.sentences import refused

RECIPE = StopRecipe(window=4, reward_fall=0.2, entropy_share=0.1, solved=0.9)


def rows(rewards, entropies=None, right=None):
    entropies = entropies or [1.0] * len(rewards)
    for step, (reward, entropy) in enumerate(zip(rewards, entropies, strict=True), 1):
        yield {
            "step": step,
            "reward": reward,
            "entropy": entropy,
            "right": reward if right is None else right,
            "cut_off": 0.25,
        }


def stopped_at(found, recipe=RECIPE) -> int | None:
    collapse = Collapse(recipe)
    for row in found:
        try:
            collapse.check(row)
        except UserError:
            return int(row["step"])
    return None


def test_a_reward_that_falls_away_stops_the_run():
    assert stopped_at(rows([0.5] * 4 + [0.8] * 8 + [0.1] * 4)) == 14
    with refused("reward fell away", "stop.reward_fall", "0.800", "0.450"):
        collapse = Collapse(RECIPE)
        for row in rows([0.8] * 6 + [0.1] * 6):
            collapse.check(row)


def test_noise_does_not():
    assert stopped_at(rows([0.5, 0.8, 0.4, 0.7] * 10)) is None


def test_an_entropy_that_falls_away_stops_the_run_unless_the_problems_are_solved():
    entropies = [0.2] * 6 + [0.001] * 10
    assert stopped_at(rows([0.5] * 16, entropies)) == 10
    assert stopped_at(rows([0.95] * 16, entropies)) is None
    assert stopped_at(rows([0.95] * 16, entropies, right=0.5)) == 10


def test_either_rule_can_be_left_out():
    falling = list(rows([0.8] * 8 + [0.0] * 8, [1.0] * 8 + [0.0] * 8))
    assert stopped_at(falling, StopRecipe(4, None, None)) is None


@pytest.mark.parametrize("cut", [3, 9])
def test_a_resumed_run_knows_what_was_before(cut):
    found = list(rows([0.5] * 4 + [0.8] * 8 + [0.1] * 4))
    collapse = Collapse(RECIPE, found[:cut])
    with refused("14"):
        for row in found[cut:]:
            collapse.check(row)
