"""bench/goals.py: a goal that is not reached has a reason, and docs/speed.md shows what the results say."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "bench"))

from goals import GOALS, PAGE, Goal, table  # noqa: E402
from train_table import with_text  # noqa: E402


def goal(wanted: float, *, at_most: bool = False, why_not: str = "") -> Goal:
    return Goal("a step", "before", wanted, "attention", lambda result: result["times"], at_most, why_not)


def test_a_goal_is_reached_from_what_was_wanted_on() -> None:
    assert "| before | 2.00 | 2.00 | reached |" in goal(2.0).line({"times": 2.0})
    assert "| at most 0.80 | 0.79 | reached |" in goal(0.8, at_most=True).line({"times": 0.79})


@pytest.mark.parametrize(("at_most", "found"), [(False, 1.99), (True, 2.01)])
def test_a_goal_that_is_not_reached_says_why_or_nothing_is_written(at_most: bool, found: float) -> None:
    line = goal(2.0, at_most=at_most, why_not="it is hard").line({"times": found})
    assert "| **not reached**: it is hard |" in line
    with pytest.raises(ValueError, match=r"a step against before: .* no reason"):
        goal(2.0, at_most=at_most).line({"times": found})


def test_the_page_shows_what_the_results_say() -> None:
    assert len(GOALS) + 2 == len(table().splitlines())
    page = PAGE.read_text()
    assert with_text(page, table(), "goals") == page
