"""Responses to scenes that are shown in part: abstaining, the view that settles, and what a trace proves."""

from __future__ import annotations

import pytest

from idf.answers import UNDETERMINED
from idf.scoring import (
    chance_of_view,
    diagnose,
    is_answerable,
    names_settling_view,
    read_trace,
    replay_claims,
    score,
    stated_view,
)
from idf.suites import MODES, PROMPTS, prompt_text
from idf.worlds import PARTS, WORLDS, sample_problem
from tests.worlds.samples import problems as whole_problems


def one(world: str, answerable: bool, settled: bool | None = None, difficulty: str = "easy"):
    part = PARTS[world]
    for index in range(200):
        item = sample_problem(part, seed=5, split="train", index=index, difficulty=difficulty)
        if is_answerable(item) == answerable and settled in (None, bool(part.settling(item))):
            return item
    raise AssertionError("no such problem")


ABSTAINING = (
    "Answer: cannot be determined",
    "**Answer:** Cannot be determined.",
    "I go through the cases.\nTwo of them differ.\n\\boxed{\\text{cannot be determined}}",
    '{"answer": "cannot be determined"}',
    "The answer is: undetermined.",
    "Cannot be determined",
    "Several states agree with it. Therefore, the answer cannot be determined.",
    "Answer: not enough information (the cell may be a wall)",
    "Answer: cannot be determined\nIt could be one or the other, as both agree with what is shown.",
)


@pytest.mark.parametrize("world", PARTS)
@pytest.mark.parametrize("text", ABSTAINING)
def test_abstaining_is_right_exactly_where_nothing_is_determined(world, text):
    for answerable in (True, False):
        verdict = score(one(world, answerable), text)
        assert verdict.parsed == UNDETERMINED
        assert verdict.correct != answerable
        assert verdict.error == ("wrong" if answerable else None)


@pytest.mark.parametrize("world", PARTS)
def test_a_definite_answer_is_wrong_where_nothing_is_determined(world):
    part, open_one, decided = PARTS[world], one(world, False), one(world, True)
    says = part.answer(open_one).write(part.answer_of_scene(open_one))
    assert score(open_one, f"Answer: {says}").error == "wrong"
    assert score(decided, f"Answer: {part.answer(decided).write(part.truth(decided))}").correct


@pytest.mark.parametrize("world", PARTS)
def test_who_takes_abstaining_back_answers(world):
    part, decided = PARTS[world], one(world, True)
    says = part.answer(decided).write(part.truth(decided))
    assert score(decided, f"Answer: cannot be determined\nWait, that is wrong.\nAnswer: {says}").correct
    assert not score(decided, f"Answer: {says}\nWait, that is wrong.\nAnswer: cannot be determined").correct


@pytest.mark.parametrize("world", WORLDS)
def test_worlds_that_show_all_know_no_abstaining(world):
    for item in whole_problems(world, "easy", 2):
        for text in ABSTAINING:
            verdict = score(item, text)
            assert verdict.parsed is None
            assert verdict.error in ("unparsed", "refused")
        assert is_answerable(item) is None
        assert names_settling_view(item, "View: top\nAnswer: cannot be determined") is None


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("View: top\nAnswer: cannot be determined", "top"),
        ("Answer: cannot be determined\n**View:** left", "left"),
        ("View: the top view", "top"),
        ("View: none", "none"),
        ("View: top\nView: back", "back"),
        ("View: top or back", None),
        ("From the top view it is red.", None),
        ("View: <side>", None),
    ],
)
def test_the_view_is_read_off_a_line_of_its_own(text, view):
    assert stated_view(text) == view


def test_a_view_that_settles_is_right_and_none_where_there_is_none():
    part = PARTS["mental_rotation_part"]
    item = one(part.name, False, settled=True)
    for view in ("front", "back", "top", "bottom", "left", "right", "none"):
        assert names_settling_view(item, f"View: {view}") == (view in part.settling(item))
    assert names_settling_view(item, "Answer: cannot be determined") is False
    for text in ("View: top\nAnswer: cannot be determined", "Answer: cannot be determined\nView: top"):
        assert score(item, text).correct
    assert chance_of_view(item) == len(part.settling(item)) / (len(part.further_views(item)) + 1)
    assert chance_of_view(one(part.name, True)) is None
    never = one(part.name, False, settled=False, difficulty="medium")
    assert names_settling_view(never, "View: none")
    assert not names_settling_view(never, "View: top")
    assert chance_of_view(never) == 1 / (len(part.further_views(never)) + 1)
    assert names_settling_view(one(part.name, True), "View: top") is None
    assert names_settling_view(one("moving_box_part", False), "View: top") is None


@pytest.mark.parametrize("world", PARTS)
def test_a_trace_proves_what_its_cases_say(world):
    part = PARTS[world]
    for answerable in (True, False):
        item = one(world, answerable)
        told = part.narrate(item)
        cases = [line for line in told.split("\n") if line.startswith("Case")]

        def judged(text: str, level: str = "process", item=item) -> str | None:
            lost = replay_claims(item, read_trace(part, text), part.solve(item), 2, level)
            return lost and lost[0]

        assert judged(told) is None
        assert judged("I guess.") == "unproven"
        assert judged("I guess.", "consistent") == "unproven"
        assert judged("\n".join([*cases, "Case all purple: 99"])) == "lucky"
        if answerable and len(cases) > 1:
            assert judged(cases[0]) == "unproven"
            assert judged(cases[0], "consistent") is None


@pytest.mark.parametrize("world", PARTS)
def test_a_false_case_is_the_cause_of_a_false_answer(world):
    item = one(world, False)
    part = PARTS[world]
    says = f"Answer: {part.answer(item).write(part.answer_of_scene(item))}"
    assert diagnose(item, says, score(item, says)).cause == "unstated"
    false = f"Case all purple: 99\n{says}"
    assert diagnose(item, false, score(item, false)).cause == "transformation"


@pytest.mark.parametrize("world", PARTS)
def test_a_prompt_asks_for_abstaining_and_hides_what_is_hidden(world):
    part = PARTS[world]
    for answerable in (True, False):
        item = one(world, answerable)
        for mode in MODES:
            for prompts in PROMPTS:
                text = prompt_text(item, mode, prompts)
                assert text.count(UNDETERMINED) >= 2
                told = item.query.views if world == "mental_rotation_part" else item.query.shown
                assert (told in text) == (mode != "vqa")
                assert part.write(item.start) not in text
