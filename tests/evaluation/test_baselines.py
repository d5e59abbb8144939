"""The floor and the ceiling of every table."""

from __future__ import annotations

import pytest

from idf.evaluation import BASELINES, baseline_response
from idf.evaluation.metrics.baselines import baseline_answer
from idf.scoring import score
from idf.worlds import DIFFICULTIES, PARTS, WORLDS
from tests.sentences import refused
from tests.worlds.samples import problems

PLANNING = ("moving_box", "wood_slide")
DESCRIBED = [world for world in WORLDS if world not in PLANNING]


@pytest.mark.parametrize("world", WORLDS)
def test_the_oracle_is_always_right(world):
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 6):
            assert score(item, baseline_response("oracle", item, "")).correct


@pytest.mark.parametrize("world", DESCRIBED)
def test_initial_answers_what_the_start_shows_and_is_right_exactly_if_that_stays(world):
    outcomes = set()
    for item in problems(world, "easy"):
        verdict = score(item, baseline_response("initial", item, ""))
        assert verdict.parsed == WORLDS[world].initial(item)
        assert verdict.correct == (WORLDS[world].initial(item) == WORLDS[world].truth(item))
        outcomes.add(verdict.correct)
    assert False in outcomes


@pytest.mark.parametrize("world", PLANNING)
def test_initial_makes_no_move_and_solves_nothing(world):
    for item in problems(world, "easy", 6):
        verdict = score(item, baseline_response("initial", item, ""))
        assert not verdict.correct
        assert not verdict.moves


@pytest.mark.parametrize("world", DESCRIBED)
def test_random_gives_a_possible_answer_that_the_seed_decides(world):
    (item, *_) = problems(world, "medium", 1)
    said = {baseline_response("random", item, f"{i}") for i in range(60)}
    assert len(said) > 3
    assert baseline_response("random", item, "7") == baseline_response("random", item, "7")
    assert {score(item, response).error for response in said} <= {None, "wrong"}


@pytest.mark.parametrize("world", PLANNING)
def test_random_walks_legally_as_long_as_a_shortest_plan(world):
    for item in problems(world, "medium", 3):
        for seed in "abcdef":
            verdict = score(item, baseline_response("random", item, seed))
            assert verdict.error in (None, "incomplete")
            assert verdict.moves == verdict.optimal


def test_an_unknown_baseline_is_refused_with_the_known_ones():
    with refused("unknown baseline", "'lucky'", ", ".join(BASELINES), by=ValueError):
        baseline_response("lucky", problems("cube_rolling", "easy", 1)[0], "")


@pytest.mark.parametrize(
    ("world", "name"),
    [(world, name) for name in BASELINES for world in (*WORLDS, *PARTS) if name != "always" or world in PARTS],
)
def test_an_answer_is_judged_as_its_response_is(world, name):
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 6):
            judged = WORLDS[world].judge(item, baseline_answer(name, item, difficulty))
            verdict = score(item, baseline_response(name, item, difficulty))
            assert (judged.correct, judged.error) == (verdict.correct, verdict.error)
