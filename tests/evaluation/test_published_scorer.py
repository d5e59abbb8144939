"""What the published scorer gets wrong, on purpose: ours says so, and shows its figure beside our own."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import pytest

from idf.evaluation import Row, summarize
from idf.scoring import Verdict, score
from idf.worlds import WORLDS, Problem, sample_problem
from idf.worlds.moving_box import Query, room_from_grid

BOX = WORLDS["moving_box"]


def room(*rows: str) -> Problem[Any, Any]:
    return Problem("moving_box", "easy", room_from_grid([list(row) for row in rows]), Query())


CORRIDOR = room("######", "#SBT.#", "#....#", "######")
ITEMS = [
    sample_problem(BOX, seed=5, split="eval", index=index, difficulty=difficulty)
    for difficulty in ("easy", "medium", "hard")
    for index in range(60)
]


def cell_of(responses: list[str]) -> dict[str, Any]:
    """The figures of a run over ITEMS."""
    rows = []
    for index, (item, response) in enumerate(zip(ITEMS, responses, strict=True)):
        verdict = score(item, response, "stop")
        rows.append(
            Row(
                id=f"moving_box:{index}",
                world="moving_box",
                mode="tqa",
                difficulty=item.difficulty,
                correct=verdict.correct,
                error=verdict.error,
                parsed=verdict.parsed,
                response=response,
                prompt_tokens=None,
                completion_tokens=len(response.split()),
                finish_reason="stop",
                moves=verdict.moves,
                optimal=verdict.optimal,
                detail=verdict.detail,
                official=verdict.official,
                cluster=BOX.keys(item).exact,
                size=BOX.size(item),
                solved_prefix=verdict.solved_prefix,
            )
        )
    return summarize(rows)["worlds"]["moving_box"]["tqa"]["all"]


def test_a_player_right_on_three_of_ten_who_else_plays_at_random_is_near_a_hundred_percent_there_and_at_thirty_here():
    rng = Random(0)
    known = set(rng.sample(range(len(ITEMS)), 3 * len(ITEMS) // 10))
    responses = [
        f"Answer: {' '.join(BOX.solve(item) if n in known else rng.choices('udlr', k=12))}"
        for n, item in enumerate(ITEMS)
    ]
    cell = cell_of(responses)
    assert cell["official_accuracy"] > 0.95
    assert 0.29 < cell["accuracy"] < 0.33
    assert cell["n"] == len(ITEMS)


def test_a_right_plan_with_one_move_flipped_is_forgiven_there():
    rng = Random(1)
    responses = []
    for n, item in enumerate(ITEMS):
        plan = list(BOX.solve(item))
        if n % 10 >= 3:
            at = rng.randrange(len(plan))
            plan[at] = rng.choice([way for way in "udlr" if way != plan[at]])
        responses.append(f"Answer: {' '.join(plan)}")
    cell = cell_of(responses)
    assert cell["official_accuracy"] > 1.7 * cell["accuracy"]
    assert cell["accuracy"] < 0.4


def told(verdict: Verdict) -> tuple[str | None, float, int | None]:
    return verdict.error, verdict.official, verdict.solved_prefix


@pytest.mark.parametrize(
    ("plan", "error", "official", "solved_prefix"),
    [
        ("u r", "illegal", -2.0, None),  # a bump into the wall: dropped from the denominator there
        ("d u u r", "illegal", -2.0, None),
        ("r r", "incomplete", 1.0, 1),  # the first touch is enough there
        ("r r r r u", "illegal", 1.0, 1),  # and what comes after it may be anything
        ("d", "incomplete", 0.0, None),  # only a legal plan that ends short counts as wrong there
        ("r", None, 1.0, None),
        ("d u r", None, 1.0, None),
    ],
)
def test_bumps_are_dropped_and_first_touches_accepted_there_only(plan, error, official, solved_prefix):
    assert told(score(CORRIDOR, f"Answer: {plan}")) == (error, official, solved_prefix)


def test_an_item_that_is_solved_before_the_first_move_has_the_prefix_zero():
    done = room("######", "#S*..#", "#....#", "######")
    assert told(score(done, "Answer: none")) == (None, 1.0, None)
    assert told(score(done, "Answer: r")) == ("incomplete", 1.0, 0)
    assert told(score(done, "Answer: u")) == ("illegal", 1.0, 0)


# --- reading ------------------------------------------------------------------------------------------------------


def published_ways(text: str) -> list[str]:
    """How the published code reads a plan of Moving Box: single letters, else any letter of u, d, l and r."""
    return re.findall(r"\b[udlr]\b", text.lower()) or re.findall("[udlr]", text.lower())


def published_blocks(text: str) -> list[str]:
    """How it reads a plan of Wood Slide: what stands between commas, from the first bracket to the last."""
    inside = re.search(r"\[(.*)\]", text, re.DOTALL)
    return [part.strip(" '\"") for part in inside[1].split(",")] if inside else []


def test_letters_of_prose_are_a_plan_there_and_none_here():
    assert published_ways("No solution found.") == ["l", "u", "u", "d"]
    verdict = score(CORRIDOR, "No solution found.")
    assert (verdict.error, verdict.parsed, verdict.official) == ("unparsed", None, -2.0)
    assert "d" in published_ways("I'd push it")
    assert score(CORRIDOR, "Answer: I'd push it").parsed is None


@pytest.mark.parametrize(
    ("text", "there", "here"),
    [
        ("R2", ["r"], ["r", "r"]),
        ("3u", ["u"], ["u", "u", "u"]),
        ("uul", ["u", "u", "l"], ["u", "u", "l"]),
        ("push the box up", ["u", "u"], ["u"]),
    ],
)
def test_repeated_moves_are_one_move_there_and_all_of_them_here(text, there, here):
    assert published_ways(text) == there
    assert score(CORRIDOR, f"Answer: {text}").parsed == here


@pytest.mark.parametrize(
    ("text", "there", "here"),
    [
        ("['3u', '4r']", ["3u", "4r"], ["3u", "4r"]),
        ("3u 4r", [], ["3u", "4r"]),
        ("4r2", [], ["4r", "4r"]),
        ("Plan [see figure 1]: ['3u','4r']", ["see figure 1]: ['3u", "4r"], None),
    ],
)
def test_lists_of_blocks_need_brackets_there(text, there, here):
    slide = sample_problem(WORLDS["wood_slide"], seed=5, split="eval", index=0, difficulty="easy")
    assert published_blocks(text) == there
    assert score(slide, f"Answer: {text}").parsed == here


@pytest.mark.parametrize(
    ("response", "finish_reason", "error", "of_plans", "of_others"),
    [
        ("", "stop", "empty", -1.0, -1.0),
        ("no idea", "stop", "unparsed", -2.0, 0.0),
        ("I cannot see the image.", "stop", "refused", -2.0, 0.0),
        ("I go", "length", "truncated", -2.0, 0.0),
        ("", "error", "error", -2.0, 0.0),
        ("Answer: d", "error", "error", -2.0, 0.0),
    ],
)
def test_what_has_no_answer_is_dropped_there_if_a_plan_is_asked(response, finish_reason, error, of_plans, of_others):
    roll = sample_problem(WORLDS["cube_rolling"], seed=5, split="eval", index=0, difficulty="easy")
    assert told(score(CORRIDOR, response, finish_reason)) == (error, of_plans, None)
    assert told(score(roll, response, finish_reason)) == (error, of_others, None)


def test_a_run_without_one_valid_plan_has_an_accuracy_of_nought_here_and_none_there():
    cell = cell_of(["no idea"] * len(ITEMS))
    assert (cell["accuracy"], cell["official_accuracy"]) == (0.0, None)
