"""The oracle teacher: it makes no mistakes, and its words agree with the world."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from idf.data import DatasetFolder, Slot, text_of
from idf.drawing import decode_png, draw
from idf.errors import UserError
from idf.scoring import score
from idf.suites import MODES, prompt_text
from idf.traces import TracesRecipe, build_traces, oracle_response, trace_sample
from idf.worlds import DIFFICULTIES, WORLDS, problem_from_json, split_of
from tests.data.samples import PIXELS, seen
from tests.worlds.samples import problems

SMALL = TracesRecipe(problems=40, seed=2, difficulties={"easy": 2.0, "medium": 1.0, "hard": 0.0}, max_pixels=PIXELS)


@pytest.fixture(scope="module")
def traces(tmp_path_factory: pytest.TempPathFactory) -> DatasetFolder:
    return build_traces(SMALL, tmp_path_factory.mktemp("traces") / "d")


def test_every_trace_is_right(traces):
    for sample in traces.samples():
        verdict = score(
            problem_from_json(sample.meta["problem"]), text_of(sample.messages[1]), sample.meta["finish_reason"]
        )
        assert verdict.correct, verdict.detail


@pytest.mark.parametrize("world", WORLDS)
def test_a_response_spells_out_the_steps_of_the_solution_before_its_one_answer(world):
    for difficulty in DIFFICULTIES:
        for item in problems(world, difficulty, 4):
            simulator = WORLDS[world]
            lines = oracle_response(item).splitlines()
            state = item.start
            for number, action in enumerate(simulator.solve(item), 1):
                state = simulator.step(state, action)
                assert f"{number}. {action}: {simulator.line(state)}" in oracle_response(item)
            assert lines[-1].startswith("Answer: ")
            assert sum(line.startswith("Answer:") for line in lines) == 1


def test_a_plan_of_the_oracle_is_as_short_as_any():
    for world in ("moving_box", "wood_slide"):
        for item in problems(world, "easy", 6):
            verdict = score(item, oracle_response(item))
            assert verdict.moves == verdict.optimal == len(WORLDS[world].solve(item))


def test_a_trace_asks_its_problem_in_its_mode_and_says_where_it_comes_from(traces):
    for sample in traces.samples():
        problem, mode = problem_from_json(sample.meta["problem"]), sample.meta["mode"]
        assert text_of(sample.messages[0]) == prompt_text(problem, mode, sample.meta["prompts"])
        assert text_of(sample.messages[1]) == oracle_response(problem)
        assert (sample.kind, sample.world, sample.difficulty) == ("trace", problem.world, problem.difficulty)
        assert sample.meta["teacher"] == "oracle"
        assert split_of(problem.world, WORLDS[problem.world].content(problem)) == "train"
        assert len(sample.images) == (mode != "tqa")
        for image in sample.images:
            assert np.array_equal(decode_png(image), draw(problem, PIXELS))
    assert {sample.meta["mode"] for sample in traces.samples()} == set(MODES)


def test_the_shares_are_those_of_the_recipe_and_no_problem_occurs_twice(traces):
    samples = list(traces.samples())
    assert Counter(sample.world for sample in samples) == dict.fromkeys(WORLDS, 8)
    assert len({sample.meta["key"] for sample in samples}) == len({sample.id for sample in samples}) == 40
    assert traces.manifest["recipe"]["problems"] == traces.manifest["samples"] == 40
    assert (traces.manifest["stage"], traces.manifest["split"]) == ("candidate traces", "train")


def test_two_workers_make_what_one_makes(traces, tmp_path):
    assert seen(build_traces(SMALL, tmp_path / "d", workers=2)) == seen(traces)


def test_a_trace_is_a_function_of_its_arguments():
    slot = Slot("rubiks_cube", "medium")
    assert trace_sample(SMALL, slot, 3) == trace_sample(SMALL, slot, 3) != trace_sample(SMALL, slot, 4)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"problems": 0}, "problems must be at least 1"),
        ({"teacher": "gpt"}, "unknown teacher 'gpt': use one of oracle"),
        ({"worlds": {"chess": 1.0}}, "worlds: unknown name 'chess'"),
        ({"prompts": {"idf-9": 1.0}}, "prompts: unknown name 'idf-9'"),
        ({"modes": {"tqa": -1.0}}, r"modes\.tqa must not be negative"),
    ],
)
def test_a_recipe_that_cannot_be_made_is_refused_in_words(changes, why):
    with pytest.raises(UserError, match=why):
        TracesRecipe(**changes).check()
