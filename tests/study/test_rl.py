"""The study of reinforcement: its tables, where a run is stopped, and what it asks for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bench.rl._arms import arms_of
from bench.rl._forms import NO_FORM, form_of
from bench.rl._recipe import HERE, RlRecipe
from bench.rl._report import front, outcomes, report, tokens_per_right
from bench.rl._run import _jobs
from bench.rl._until import stopped_at
from bench.study._data import Folders
from bench.study._outcome import fix_plan, read_seeds
from bench.study._page import results_on
from idf.recipe import read_recipe
from idf.traces import oracle_trace
from idf.worlds import LENGTHS, WORLDS, sample_problem
from tests.sentences import line_that_says, refused

RESULTS = HERE.parents[1] / "bench" / "results" / "rl"


def recipe(tmp_path: Path, **changes) -> RlRecipe:
    return RlRecipe(str(tmp_path / "work"), str(tmp_path / "results"), **changes)


def arm(right: list[int], tokens: list[int], **more) -> dict:
    return {"causes": "".join(".t"[not one] for one in right), "tokens": tokens, "seconds": 600.0, **more}


def written(tmp_path: Path, seed: int, arms: dict) -> None:
    folder = tmp_path / "results"
    folder.mkdir(exist_ok=True)
    rolls = {"suite": [1, 2, 3, 4], "paired": [1, 2, 3, 4]}
    (folder / f"seed{seed}.json").write_text(json.dumps({"rolls": rolls, **arms}))


def test_the_tables_say_what_the_seeds_came_to(tmp_path):
    for seed in (1, 2, 3, 4, 5):
        arms = {
            "early suite": arm([1, 1, 0, 0], [10, 20, 30, 40]),
            "verdicts suite": arm([1, 1, 1, int(seed > 1)], [10, 20, 30, 40]),
            "outcome suite": arm([1, 1, 1, 0], [10, 20, 30, 40]),
            "mixed paired": arm([1, 1, 1, 1], [20, 40, 60, 80], forms="ffc-"),
            "price0.2 paired": arm([1, 1, 1, 1], [10, 20, 30, 40], forms="ccnn"),
        }
        written(tmp_path, seed, arms)
    told = report(recipe(tmp_path))
    line_that_says(told, "stopped early", "50.0%", "50")
    line_that_says(told, "after stage 3", "95.0%", "75 100 100 100 100")
    line_that_says(told, "at least 90 %", "reached", "4 of 5 seeds")
    line_that_says(told, "credit minus outcome", "+20.0 points")
    line_that_says(told, "| 0.2 |", "50%", "| no |")  # of four items nothing can be said
    line_that_says(told, "price0.2", "10", "20", "30", "40", "+10.0")
    line_that_says(told, "| mixed |", "50% | 100% | 25% | 100% | 0% |  |")
    line_that_says(told, "| price0.2 |", "0% |  | 50% | 100% | 50% | 100% |")
    assert "price0.4" not in told
    (axis,) = front(recipe(tmp_path)).axes
    seeds, means = axis.lines[::2], axis.lines[1::2]
    assert [line.get_label() for line in means] == ["no price (stage 2)", "price 0.2"]
    assert [line.get_xydata().tolist() for line in seeds] == [[[50, 1]] * 5, [[25, 1]] * 5]
    assert [line.get_xydata().tolist() for line in means] == [[[50, 1]], [[25, 1]]]


@pytest.mark.parametrize("length", LENGTHS)
def test_the_form_of_the_oracles_own_traces_is_known(length):
    problems = [
        sample_problem(WORLDS["cube_rolling"], seed=0, split="train", index=i, difficulty="easy") for i in range(40)
    ]
    told = [oracle_trace(problem, length=length) for problem in problems]
    assert {form_of(text) for text, told_in in told if told_in == length} == {length[0]}
    assert sum(told_in == length for _, told_in in told) > 20
    assert form_of("Answer: red") == form_of("") == NO_FORM


def test_nothing_is_tested_before_the_last_seed(tmp_path):
    written(tmp_path, 2, {"outcome suite": arm([1, 0], [1, 1]), "verdicts suite": arm([1, 1], [1, 1])})
    line_that_says(report(recipe(tmp_path)), "nothing is tested before the last seed")
    assert front(recipe(tmp_path)) is None
    with refused("no results", "python -m bench.rl"):
        report(recipe(tmp_path / "empty"))


def test_tokens_of_wrong_answers_count_for_the_right_ones(tmp_path):
    written(tmp_path, 1, {"early suite": arm([1, 0, 0, 0], [10, 20, 30, 40])})
    found = read_seeds(tmp_path / "results", [1])
    assert tokens_per_right(found, "early suite") == [100]
    assert outcomes(found, "early suite").tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("found", "name"),
    [
        ({10: 0.5, 20: 0.7, 30: 0.72}, "checkpoint-20"),
        ({9: 0.7, 10: 0.7}, "checkpoint-9"),
        ({10: 0.6, 20: 0.8}, None),
        ({}, None),
    ],
)
def test_stage_2_is_stopped_at_the_first_checkpoint_within_the_range(tmp_path, found, name):
    for step, share in found.items():
        folder = tmp_path / "evaluations" / f"checkpoint-{step}"
        folder.mkdir(parents=True)
        (folder / "results.json").write_text(json.dumps({"macro_accuracy": {"tqa": share}}))
    assert stopped_at(tmp_path, 0.65, 0.75) == name


def test_each_process_stands_once_and_after_what_it_needs(tmp_path):
    asked = recipe(tmp_path, price=0.4)
    jobs = _jobs(asked, Folders(tmp_path / "work"))
    names = [job.name for job in jobs]
    assert len(set(names)) == len(names)
    assert all(set(job.needs) <= set(names[:at]) for at, job in enumerate(jobs))
    assert sum(name.startswith("verdicts") for name in names) == 5
    assert sum(name.startswith("price") for name in names) == 3 * 3 + 2
    assert [arm.name for arm in arms_of(asked, "price", 5)] == ["price0.4"]
    assert [arm.name for arm in arms_of(recipe(tmp_path), "price", 5)] == []


def test_what_has_a_result_is_not_run_again_in_another_work_folder(tmp_path):
    (tmp_path / "results").mkdir()
    kept = {
        1: ["early suite", "verdicts suite", "outcome suite"],
        2: ["early suite", "verdicts suite"],
        3: ["early suite"],
    }
    for seed, names in kept.items():
        (tmp_path / "results" / f"seed{seed}.json").write_text(json.dumps({name: {} for name in names}))
    asked = recipe(tmp_path, questions=["verdicts", "credit"], seeds=[1, 2, 3, 4])
    names = [job.name for job in _jobs(asked, Folders(tmp_path / "work"))]
    assert [name for name in names if "seed 1" in name] == []
    assert [name for name in names if "seed 2" in name] == [
        "early seed 2",
        "outcome seed 2",
        "evaluation of outcome seed 2 on suite",
    ]
    assert "evaluation of early seed 3 on suite" not in names
    assert {"early seed 3", "verdicts seed 3", "evaluation of early seed 4 on suite"} <= set(names)


def test_a_plan_may_not_change(tmp_path):
    fix_plan(tmp_path / "plan.json", {"a": 1, "b": [2]})
    fix_plan(tmp_path / "plan.json", {"a": 1, "b": (2,)})
    with refused("another plan", "b"):
        fix_plan(tmp_path / "plan.json", {"a": 1, "b": [3]})


def test_what_stands_in_the_docs_is_the_report_of_the_results():
    shown = results_on(HERE.parents[1] / "docs" / "rl-study.md")
    asked = read_recipe(RlRecipe, HERE / "full.yaml")
    if not read_seeds(RESULTS, asked.seeds):
        assert "Nothing was run yet" in shown
        return
    told = report(replace(asked, results=str(RESULTS)))
    for line in told.splitlines():
        assert line in shown, line
