"""Verdicts: what is correct, what class an error has, and what the published scorer would have said."""

from __future__ import annotations

import json
import re
import time
from dataclasses import asdict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from idf.scoring import ERRORS, score
from idf.traces import oracle_response
from idf.worlds import DIFFICULTIES, WORLDS, Problem
from idf.worlds.mental_rotation import Query as ViewQuery
from idf.worlds.mental_rotation import structure
from idf.worlds.moving_box import Query as PushQuery
from idf.worlds.moving_box import room_from_grid
from tests.worlds.samples import problem, problems

PUSH = Problem(
    "moving_box", "easy", room_from_grid([list(row) for row in ("######", "#SBT.#", "#....#", "######")]), PushQuery()
)
CUBES = Problem(
    "mental_rotation",
    "easy",
    structure({(0, 0, 0): "red", (1, 0, 0): "red", (0, 1, 0): "blue", (0, 0, -1): "green"}),
    ViewQuery("front"),
)
ROLL = problem("cube_rolling", "eval", 0, "easy")
TRUTH = WORLDS["cube_rolling"].truth(ROLL)
OTHER = next(colour for colour in WORLDS["cube_rolling"].colours if colour != TRUTH)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("difficulty", DIFFICULTIES)
def test_the_oracle_is_right_in_every_world(world, difficulty):
    for item in problems(world, difficulty, 8):
        verdict = score(item, oracle_response(item))
        assert (verdict.correct, verdict.error, verdict.official) == (True, None, 1.0)
        assert verdict.moves == verdict.optimal
        json.dumps(asdict(verdict))


@pytest.mark.parametrize("world", WORLDS)
def test_the_oracle_s_answer_to_another_problem_is_not_right(world):
    # Problems with other truths: the scorer judges the problem at hand, not the looks of the response.
    simulator = WORLDS[world]
    items = problems(world, "medium", 6)
    pairs = [(a, b) for a in items for b in items if not simulator.judge(a, simulator.truth(b)).correct]
    assert pairs
    for item, other in pairs:
        verdict = score(item, oracle_response(other))
        assert not verdict.correct
        assert verdict.error in ("wrong", "illegal", "incomplete", "unparsed")


@pytest.mark.parametrize(
    ("response", "error", "official"),
    [
        (f"Answer: {TRUTH}", None, 1.0),
        (f"**Answer:** {TRUTH.upper()}.", None, 1.0),
        (f"Answer: {OTHER}\nNo:\nAnswer: {TRUTH}", None, 1.0),
        (f"Answer: the face is {TRUTH} at the end", None, 1.0),
        (f"<think>Answer: {OTHER}</think>Answer: {TRUTH}", None, 1.0),
        (f"Answer: {TRUTH}\nNo:\nAnswer: {OTHER}", "wrong", 0.0),
        (f"Answer: {TRUTH} or {OTHER}", "unparsed", 0.0),
        (f"Answer: {TRUTH}\nAnswer:", "unparsed", 0.0),
        (f"It is {TRUTH}.", None, 1.0),
        (f"It was {TRUTH}.", "unparsed", 0.0),
        (f"<think>Answer: {TRUTH}", "unparsed", 0.0),
        (f"<think>Answer: {TRUTH}</think>", "unparsed", 0.0),
        ("", "empty", -1.0),
        (" \n\t ", "empty", -1.0),
    ],
)
def test_a_colour_is_judged_by_the_last_answer_line(response, error, official):
    verdict = score(ROLL, response)
    assert (verdict.correct, verdict.error, verdict.official) == (error is None, error, official)


@pytest.mark.parametrize(
    ("response", "finish_reason", "error"),
    [
        ("I roll it once and", "length", "truncated"),
        ("I roll it once and", "stop", "unparsed"),
        ("I roll it once and", None, "unparsed"),
        (f"<think>Answer: {TRUTH}", "length", "truncated"),
        ("Answer:", "length", "truncated"),
        ("", "length", "truncated"),
        (f"Answer: {TRUTH}\nAnd so on and", "length", None),
        (f"Answer: {OTHER}\nAnd so on and", "length", "wrong"),
    ],
)
def test_a_response_is_truncated_only_if_it_was_cut_off_before_an_answer(response, finish_reason, error):
    assert score(ROLL, response, finish_reason).error == error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("3 cubes: red 2, blue 1", None),
        ("red 2, blue 1", None),
        ("4 cubes: red 2, blue 1", "wrong"),
        ("4 cubes: red 2, blue 1, green 1", "wrong"),
        ("2 cubes: red 2", "wrong"),
        ("red 2", "wrong"),
        ("3 cubes", "unparsed"),
    ],
)
def test_counts_of_colours_must_agree_with_the_scene_and_with_their_own_total(answer, error):
    verdict = score(CUBES, f"Answer: {answer}")
    assert (verdict.error, verdict.official) == (error, float(error is None))
    json.dumps(verdict.parsed)


@pytest.mark.parametrize(
    ("plan", "error", "official"),
    [
        ("r", None, 1.0),
        ("right", None, 1.0),
        ("d u r", None, 1.0),  # longer than needed, yet right
        ("r l", None, 1.0),  # the box stays on the target
        ("r r", "incomplete", 1.0),  # passes the goal and goes on
        ("r r r", "illegal", 1.0),  # passes the goal, then breaks a rule
        ("d", "incomplete", 0.0),
        ("u r", "illegal", -2.0),
        ("d d", "illegal", -2.0),
        ("no solution", "unparsed", -2.0),
        ("push it to the target", "unparsed", -2.0),
    ],
)
def test_a_plan_is_replayed_to_its_end_and_the_official_code_stops_at_the_first_touch(plan, error, official):
    verdict = score(PUSH, f"Answer: {plan}")
    assert (verdict.correct, verdict.error, verdict.official) == (error is None, error, official)
    if error != "unparsed":
        assert verdict.moves == len(plan.split())
        assert verdict.optimal == 1
        assert verdict.parsed == [word[0] for word in plan.split()]


@pytest.mark.parametrize(("response", "official"), [("", -1.0), ("no idea", -2.0), ("Answer: ?", -2.0)])
def test_without_a_plan_there_are_no_moves_and_the_official_code_is_negative(response, official):
    verdict = score(PUSH, response)
    assert (verdict.correct, verdict.parsed, verdict.moves, verdict.official) == (False, None, None, official)


def test_a_cut_off_plan_that_was_not_stated_is_truncated_but_dropped_officially():
    verdict = score(PUSH, "I go right, then", "length")
    assert (verdict.error, verdict.official) == ("truncated", -2.0)


FILLING = [
    "\n",
    "    \n",
    " ",
    "<think>",
    "</think>",
    "Answer:",
    "**Answer:**\n",
    "\\boxed{",
    "\\boxed{u} ",
    "[",
    "```\n",
]
FILLING += ['"answer": [', "{'answer': ['", "the answer is ", "the answer is red. ", "答案：", "<answer>", "Solution: "]
FILLING += ["- u\n", "1. u\n", "I cannot ", "*", "7", "u "]


@pytest.mark.parametrize("piece", FILLING)
def test_a_million_characters_are_scored_in_a_second_or_so(piece):
    response = piece * (1_000_000 // len(piece)) + "\nAnswer: red"
    begun = time.process_time()
    score(ROLL, response)
    assert time.process_time() - begun < 2


LONG = ["Answer:\n" + "- u\n- d\n" * 4000, "Answer: [\n" + '"u",\n"d",\n' * 4000 + '"u"]', "<answer>" + "u d " * 6000]
LONG += ["Answer:\n```\n" + "u d\n" * 6000 + "```", "Answer: " + "u d " * 6000, "Answer:\n" + "up, down,\n" * 3000]


@pytest.mark.parametrize("response", LONG, ids=[response[:20] for response in LONG])
def test_a_plan_too_long_to_be_read_is_not_read_in_part(response):
    assert score(PUSH, response).error == "unparsed"


# --- any text at all ---------------------------------------------------------------------------------------------

FRAGMENTS = [
    "Answer:",
    "**Answer:** ",
    "answer is: ",
    "\n",
    "\n",
    " ",
    "<think>",
    "</think>",
    "**",
    ":",
    "not",
    "3",
    "u",
    "3d",
]
NOISE = st.lists(
    st.sampled_from([*FRAGMENTS, *WORLDS["cube_rolling"].colours, "gray", "grey"]) | st.text(max_size=8), max_size=14
).map("".join)
SCENES = [
    ROLL,
    PUSH,
    CUBES,
    *(problem(world, "eval", i, "easy") for world in ("rubiks_cube", "wood_slide") for i in (0, 1, 2)),
]


@given(st.sampled_from(SCENES), NOISE, st.sampled_from([None, "stop", "length"]))
@settings(max_examples=150)
def test_any_text_gets_a_verdict_of_a_known_class(item, response, finish_reason):
    verdict = score(item, response, finish_reason)
    assert verdict.correct == (verdict.error is None)
    assert verdict.error in (None, *ERRORS)
    assert verdict.official in (1.0, 0.0, -1.0, -2.0)
    assert verdict.detail
    assert not verdict.correct or verdict.official == 1.0


def places_aloud(response: str) -> list[str]:
    """Where an answer may be stated, thoughts left out: behind each "answer", below it, or all; without the parser."""
    parts = re.split("(?i)(</?think>)", response)
    aloud, thinking = "", False
    for part in parts:
        if part.lower() in ("<think>", "</think>"):
            aloud = "" if part[1] == "/" and not thinking else aloud + "\n"
            thinking = part[1] != "/"
        elif not thinking:
            aloud += part
    lines = re.split(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]", aloud)
    places = [aloud]
    for at, line in enumerate(lines):
        if "answer" in line.lower():
            below = next((n for n in range(at + 1, len(lines)) if lines[n].strip()), len(lines))
            places += [line.lower().split("answer", 1)[1], line.lower().rsplit("answer", 1)[1]]
            places += ["\n".join(lines[below:end]) for end in range(below + 1, len(lines) + 1)]
    return places


@given(NOISE)
@settings(max_examples=300)
def test_a_text_is_right_only_if_some_place_of_it_names_the_truth_and_no_other_colour(response):
    if score(ROLL, response).correct:
        colours = set(WORLDS["cube_rolling"].colours)
        assert any(
            colours & set(re.split("[^a-z]+", place.lower().replace("grey", "gray"))) == {TRUTH}
            for place in places_aloud(response)
        )


@given(NOISE)
def test_after_a_false_last_line_nothing_before_it_helps(before):
    assert not score(ROLL, f"{before}\nAnswer: {OTHER}").correct


@given(NOISE)
def test_after_a_true_last_line_nothing_before_it_harms_but_an_open_thought(before):
    thinking = "</think>" not in before.rpartition("<think>")[2] and "<think>" in before
    assert score(ROLL, f"{before}\nAnswer: {TRUTH}").correct != thinking
