"""The study of plans: its recipe, its plan and its tables, from small made-up results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from bench.plans._players import guessing
from bench.plans._recipe import HERE, PlansRecipe
from bench.plans._report import report, whole_seeds
from bench.study._outcome import fix_plan as _fix
from idf.recipe import read_recipe
from idf.suites import Item
from idf.traces import TracesRecipe
from idf.training.recipe import StageRecipe
from tests.sentences import refused, says
from tests.worlds.samples import problem


def arm(right: str, labels: int = 100) -> dict[str, Any]:
    cell = {"causes": right, "tokens": [5] * len(right), "right": [1] * len(right), "steps": [2] * len(right)}
    return {"updates": 3, "label_tokens": labels, "worlds": {"moving_box": cell, "wood_slide": cell}}


def written(folder: Path, seeds: dict[int, dict[str, Any]]) -> Path:
    player = {"plays": 10, "mean": 0.2, "low": 0.1, "high": 0.3}
    (folder / "plan.json").write_text(json.dumps({"guessing": {"moving_box": player, "wood_slide": player}}))
    for seed, told in seeds.items():
        (folder / f"seed{seed}.json").write_text(json.dumps(told))
    return folder


def test_the_committed_recipes_are_sound_and_hold_label_tokens_equal():
    recipe = read_recipe(PlansRecipe, HERE / "full.yaml")
    assert len(recipe.seeds) == 5
    assert recipe.updates(1000) == 1200
    stage = read_recipe(StageRecipe, HERE / "stage2.yaml")
    assert stage.stage == "reasoning"
    assert read_recipe(TracesRecipe, HERE / "traces.yaml").modes == {"tqa": 1}


@pytest.mark.parametrize(("change", "words"), [("seeds=[1, 1]", ("seeds", "twice")), ("items=0", ("items",))])
def test_a_recipe_that_cannot_be_run_is_refused(change, words):
    with refused(*words):
        read_recipe(PlansRecipe, HERE / "full.yaml", [change])


def test_a_study_is_not_gone_on_with_another_plan(tmp_path):
    _fix(tmp_path / "plan.json", {"recipe": {"items": 1}, "arms": {}})
    _fix(tmp_path / "plan.json", {"recipe": {"items": 1}, "arms": {}})
    with refused("recipe", "results=DIR"):
        _fix(tmp_path / "plan.json", {"recipe": {"items": 2}, "arms": {}})


def test_before_the_last_seed_nothing_is_tested_and_half_a_seed_does_not_count(tmp_path):
    both = {"optimal": arm("t..ttttttt"), "search": arm("...ttttttt")}
    folder = written(tmp_path, {1: both, 2: both, 3: {"optimal": both["optimal"]}})
    told = report(folder, [1, 2, 3])
    says(told, "2 of 3 seeds", "nothing is tested before the last seed", "+10.0 points", "20.0%", "30.0%")
    says(report(folder, [1, 2]), "2 of 2 seeds", "after Holm", "not reached")
    with refused("no seed", "python -m bench.plans"):
        report(folder, [3])


def test_a_seed_whose_results_are_there_is_not_run_again(tmp_path):
    both = {"optimal": arm("t."), "search": arm("..")}
    folder = written(tmp_path, {1: both, 3: {"search": both["search"]}})
    assert set(whole_seeds(folder, [1, 2, 3])) == {1}


def test_the_goal_is_to_pass_the_upper_bound_of_the_guessing_player(tmp_path):
    both = {"optimal": arm("ttttttt..."), "search": arm("....tttttt")}
    says(report(written(tmp_path, {1: both}), [1]), "the bound is 30.0%", "40.0%")
    assert "not reached" not in report(tmp_path, [1])


def test_a_difference_is_called_better_or_worse_only_if_it_is_shown(tmp_path):
    none, much = arm("t" * 30), arm("." * 28 + "tt")
    better = written(tmp_path, {seed: {"optimal": none, "search": much} for seed in (1, 2, 3)})
    says(report(better, [1, 2, 3]), "**better**")
    worse = written(tmp_path, {seed: {"optimal": much, "search": none} for seed in (1, 2, 3)})
    says(report(worse, [1, 2, 3]), "**worse**")


def test_the_guessing_player_has_an_interval_around_its_mean():
    items = [Item(f"i{i}", problem("moving_box", "eval", i, "easy"), None) for i in range(6)]
    found = guessing(items)["moving_box"]
    assert 0 <= found["low"] < found["mean"] < found["high"] <= 1
