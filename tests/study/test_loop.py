"""The study of the loop: its tables, its processes, and its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from bench.loop._recipe import HERE, LoopStudyRecipe
from bench.loop._report import report, whole_seeds
from bench.loop._run import loops_of, starts_of
from bench.study._data import Folders
from bench.study._page import results_on
from idf.loop import LoopRecipe
from idf.recipe import read_recipe
from tests.sentences import line_that_says, refused

RESULTS = HERE.parents[1] / "bench" / "results" / "loop"


def arm(start: str, end: str, drawn: int) -> dict:
    cell = {"n": 10, "right": 5, "drawn": drawn, "solved": 2, "oracle": 1}
    return {"causes": [start, end], "tokens": [1] * len(end), "rounds": [{"cells": {"moving_box:1": cell}}]}


def write(folder: Path, seed: int, **arms: dict) -> None:
    folder.mkdir(exist_ok=True)
    worlds = ["moving_box"] * 4 + ["wood_slide"] * 4
    (folder / f"seed{seed}.json").write_text(json.dumps({**arms, "worlds": worlds}))


def test_the_tables_say_what_the_seeds_came_to(tmp_path):
    for seed in (1, 2):
        write(tmp_path, seed, uniform=arm("tttttttt", ".tttt...", 30), weighted=arm("tttttttt", "..t.tttt", 70))
    told = report(tmp_path, [1, 2])
    line_that_says(told, "Moving Box", "uniform", "0.0%", "25.0%", "25 25")
    line_that_says(told, "Wood Slide", "uniform", "75.0%", "75 75")
    line_that_says(told, "Moving Box, weighted minus uniform", "+50.0 points", "+50 +50")
    line_that_says(told, "Wood Slide, weighted minus uniform", "-75.0 points")
    line_that_says(told, "`moving_box:1`", "50%", "140", "60")


def test_a_seed_counts_when_both_arms_are_there_and_nothing_is_tested_before_the_last(tmp_path):
    write(tmp_path, 1, uniform=arm("tttttttt", ".tttt...", 30))
    with refused("no seed", "python -m bench.loop"):
        report(tmp_path, [1, 2])
    write(tmp_path, 2, uniform=arm("tttttttt", ".tttt...", 30), weighted=arm("tttttttt", "..t.tttt", 70))
    assert list(whole_seeds(tmp_path, [1, 2])) == [2]
    line_that_says(report(tmp_path, [1, 2]), "Moving Box, weighted", "nothing is tested before the last seed")


@pytest.mark.parametrize("draw", ["uniform", "weighted"])
def test_the_recipe_of_the_loops_is_one_that_idf_loop_takes(draw):
    places = [f"draw={draw}", f"train.recipe={HERE / 'round.yaml'}", "evaluation.suite=suite"]
    read_recipe(LoopRecipe, HERE / "loop.yaml", places).check()


def test_the_loops_begin_with_one_checkpoint_and_differ_by_their_draw_alone(tmp_path):
    recipe, folders = LoopStudyRecipe(str(tmp_path), str(tmp_path)), Folders(tmp_path)
    *_, start = starts_of(recipe, folders)
    loops = [job for seed in (3, 4) for job in loops_of(recipe, folders, seed)]
    assert [job.name for job in loops] == ["uniform seed 3", "weighted seed 3", "uniform seed 4", "weighted seed 4"]
    (run,) = [word.partition("=")[2] for word in start.command if word.startswith("run=")]
    for job in loops:
        assert job.needs == (start.name,)
        assert f"model={run}/final" in job.command
    told = [set(job.command) for job in loops[:2]]
    assert {word.partition("=")[0] for word in told[0] ^ told[1]} == {"draw", "out"}


def test_what_stands_in_the_docs_is_the_report_of_the_results():
    shown = results_on(HERE.parents[1] / "docs" / "loop-study.md")
    seeds = yaml.safe_load((HERE / "full.yaml").read_text()).get("seeds", LoopStudyRecipe("", "").seeds)
    if not whole_seeds(RESULTS, seeds):
        assert "Nothing was run yet" in shown
        return
    for line in report(RESULTS, seeds).splitlines():
        assert line in shown, line
