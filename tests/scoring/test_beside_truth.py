"""A response beside the true one: right steps, the first wrong one, a missing one, the answer."""

from __future__ import annotations

import re
from functools import cache

import pytest

from idf.imagery import draw_suite
from idf.scoring import Imagined, beside_truth, of_plan
from idf.suites import Item, SuiteRecipe
from idf.worlds import WORLDS
from tests.imagery.lessons import BASIC_PAIRS, PAIRS

STEP = re.compile(r"^(\d+)\. ([^:\n]+): (.+)$", re.MULTILINE)


SPELLED = [(world, kind) for world, kind in PAIRS if kind in ("rollout", "step", "masked", "legality")]
ANSWERED = [(world, kind) for world, kind in PAIRS if kind in ("inverse", "reading")]
ANSWERED += [pair for pair in BASIC_PAIRS if pair[0] == "mental_rotation"]
GOALS = ["moving_box", "wood_slide"]


@cache
def exercises(world: str, kind: str, items: int = 2) -> list[Item]:
    return draw_suite(SuiteRecipe(items=items, worlds=[world], kinds=[kind], difficulties=["easy", "hard"]))[0]


def judged(item: Item, response: str) -> Imagined:
    return beside_truth(
        WORLDS[item.world], item.exercise.response, response, any_order=item.exercise.kind == "legality"
    )


def steps_of(item: Item) -> list[int]:
    return [int(number) for number, _, _ in STEP.findall(item.exercise.response)]


@pytest.mark.parametrize(("world", "kind"), SPELLED)
def test_the_true_response_has_every_step_and_the_answer(world, kind):
    for item in exercises(world, kind):
        found = judged(item, item.exercise.response)
        assert found == Imagined(len(steps_of(item)), len(steps_of(item)), None, False, found.answer, True, "")


@pytest.mark.parametrize(("world", "kind"), ANSWERED)
def test_the_true_response_without_steps_has_the_answer(world, kind):
    for item in exercises(world, kind):
        assert judged(item, item.exercise.response).all_right
        wrong = judged(item, "I do not know.")
        assert not wrong.answer_right
        assert wrong.detail


@pytest.mark.parametrize(("world", "kind"), SPELLED)
def test_a_step_with_another_state_is_the_first_wrong_one_and_the_only_one(world, kind):
    for item in exercises(world, kind):
        numbers = steps_of(item)
        states = {int(number): state for number, _, state in STEP.findall(item.exercise.response)}
        start = re.search("^Start: (.+)$", item.exercise.response, re.MULTILINE)
        others = [*states.values(), *([start[1]] if start else [])]
        for number in numbers:
            other = next((state for state in others if state != states[number]), None)
            if other is None:
                continue
            line = re.compile(rf"^({number}\. [^:\n]+: ).+$", re.MULTILINE)
            found = judged(item, line.sub(lambda kept, other=other: kept[1] + other, item.exercise.response))
            assert (found.first_wrong, found.missing, found.right) == (number, False, len(numbers) - 1)
            assert not found.all_right
            assert f"step {number} " in found.detail


@pytest.mark.parametrize(("world", "kind"), [pair for pair in SPELLED if pair[1] != "step"])
def test_a_step_that_is_left_out_is_missing_and_one_cut_off_as_well(world, kind):
    for item in [item for item in exercises(world, kind) if len(steps_of(item)) > 1]:
        number = steps_of(item)[1]
        without = re.sub(rf"^{number}\. .+\n?", "", item.exercise.response, flags=re.MULTILINE)
        found = judged(item, without)
        assert (found.first_wrong, found.missing, found.right) == (number, True, found.steps - 1)
        cut = judged(item, item.exercise.response[: item.exercise.response.index(f"{number}. ")])
        assert (cut.first_wrong, cut.missing, cut.right) == (number, True, 1)


def rolled() -> Item:
    return next(item for item in exercises("cube_rolling", "rollout") if item.exercise.steps > 3)


def test_a_state_in_other_words_is_the_same_state():
    item = rolled()
    faces = ("top", "bottom", "left", "right", "front", "back")

    def named(found: re.Match[str]) -> str:
        colours = found[3].replace("gray", "GREY").split()
        return f"**Step {found[1]}** (roll {found[2]}): " + ", ".join(map(" ".join, zip(faces, colours, strict=True)))

    found = judged(item, STEP.sub(named, item.exercise.response))
    assert found.all_right, found.detail


def test_a_false_action_a_false_start_and_a_step_too_many_are_found():
    item = rolled()
    truth, last = item.exercise.response, item.exercise.steps
    ways = re.sub(
        r"^2\. \w+", lambda said: "2. left" if said[0] != "2. left" else "2. right", truth, flags=re.MULTILINE
    )
    assert judged(item, ways).first_wrong == 2
    start = re.sub(
        "^Start: (.+)$", lambda said: f"Start: {' '.join(reversed(said[1].split()))}", truth, flags=re.MULTILINE
    )
    assert (judged(item, start).first_wrong, judged(item, start).right) == (0, last)
    line = re.search(rf"^{last}\. .+$", truth, re.MULTILINE)[0]
    more = truth.replace(line, f"{line}\n{last + 1}{line[len(str(last)) :]}")
    assert (judged(item, more).first_wrong, judged(item, more).right) == (last + 1, last)


def test_right_steps_with_a_false_answer_are_not_all_right():
    item = rolled()
    other = "red" if item.exercise.answer != "red" else "blue"
    found = judged(item, item.exercise.response.replace(f"Answer: {item.exercise.answer}", f"Answer: {other}"))
    assert (found.first_wrong, found.right, found.answer, found.answer_right) == (None, found.steps, other, False)
    assert not found.all_right
    assert repr(other) in found.detail


def test_a_step_that_is_taken_back_counts_as_it_is_said_last():
    item = rolled()
    line = re.search(r"^2\. .+$", item.exercise.response, re.MULTILINE)[0]
    words = line.split(": ")[1].split()
    first = f"{line.split(': ')[0]}: {' '.join(reversed(words))}"
    assert judged(item, item.exercise.response.replace(line, f"{first}\nWait, that is wrong.\n{line}")).all_right
    assert judged(item, item.exercise.response.replace(line, f"{line}\nWait, that is wrong.\n{first}")).first_wrong == 2


@pytest.mark.parametrize("world", ["cube_rolling", "moving_box", "wood_slide"])
def test_legal_actions_may_be_named_in_any_order_and_each_must_be(world):
    for item in exercises(world, "legality"):
        words = item.exercise.answer.split()
        line = f"Answer: {item.exercise.answer}"
        assert judged(item, item.exercise.response.replace(line, f"Answer: {', '.join(reversed(words))}")).all_right
        fewer = judged(item, item.exercise.response.replace(line, f"Answer: {' '.join(words[1:])}"))
        assert not fewer.answer_right


@pytest.mark.parametrize("world", GOALS)
def test_a_way_to_a_goal_is_replayed(world):
    for item in exercises(world, "goal"):
        truth = item.exercise.response
        found = of_plan(item.scene, truth)
        assert found.all_right, found.detail
        assert found.steps == found.right == len(WORLDS[item.world].solve(item.scene))
        lines = STEP.findall(truth)
        if len(lines) < 2:
            continue
        number, action, _ = lines[1]
        spoiled = truth.replace(f"{number}. {action}: {lines[1][2]}", f"{number}. {action}: {lines[0][2]}")
        wrong = of_plan(item.scene, spoiled)
        assert (wrong.first_wrong, wrong.missing) == (2, False)
        assert not wrong.all_right
        silent = of_plan(item.scene, truth.rpartition("\n")[2])
        assert (silent.first_wrong, silent.missing, silent.right, silent.answer_right) == (1, True, 0, True)
