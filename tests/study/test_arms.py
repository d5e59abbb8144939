"""The arithmetic of the arms: what each holds equal is equal."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.study import ARMS, Epoch, Run, StudyRecipe, all_runs, run_of, same_labels, split_budget
from bench.study._arms import DATA
from idf.errors import UserError
from idf.recipe import read_recipe

ROOT = Path(__file__).parents[2]
EPOCHS = {"imagery": Epoch(100, 60_000, 90_000), "traces": Epoch(50, 20_000, 40_000), "mixed": Epoch(200, 100_000, 9)}


@pytest.fixture
def recipe() -> StudyRecipe:
    return read_recipe(StudyRecipe, ROOT / "bench/study/recipes/full.yaml")


@pytest.mark.parametrize("budget", [2, 3, 250, 750, 2250, 2251])
def test_a_budget_is_spent_whole_and_shared_as_the_recipe_says(budget):
    imagery, traces = split_budget(budget, [2, 1])
    assert imagery + traces == budget
    assert min(imagery, traces) >= 1
    assert abs(imagery - 2 * budget / 3) <= 1


def test_as_many_updates_are_as_many_updates(recipe):
    for budget in recipe.budgets:
        then, same, mixed = (
            run_of(arm, budget, recipe, EPOCHS) for arm in ("imagery_then_traces", "traces_same_updates", "mixed")
        )
        assert then.before + then.updates == same.updates == mixed.updates == budget
        assert run_of("imagery", budget, recipe, EPOCHS) == then.parent
        assert run_of("traces", budget, recipe, EPOCHS).updates == then.updates


def test_as_many_label_tokens_are_as_many_label_tokens(recipe):
    for first, second in ((133, 67), (400, 200), (1500, 750)):
        seen = first * 600 + second * 400
        assert abs(same_labels(first, second, EPOCHS) * 400 - seen) <= 200  # half an update
    run = run_of("traces_same_labels", 2250, recipe, EPOCHS)
    assert run == Run("traces", 3000)


def test_runs_that_two_arms_share_are_trained_once_and_parents_come_first(recipe):
    runs = all_runs(recipe, ARMS, EPOCHS)
    assert len(set(runs)) == len(runs)
    assert run_of("traces", 2250, recipe, EPOCHS) == run_of("traces_same_updates", 750, recipe, EPOCHS)
    for run in runs:
        assert run.parent is None or runs.index(run.parent) < runs.index(run)
        assert run.kind in DATA
    assert len({run.name for run in runs}) == len(runs)


def test_the_untrained_arm_is_no_run_and_an_unknown_one_is_refused(recipe):
    assert run_of("untrained", 750, recipe, EPOCHS) is None
    with pytest.raises(ValueError, match="no arm"):
        run_of("both", 600, recipe, EPOCHS)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("budgets=[600, 200]", "ascend"),
        ("seeds=[1, 1]", "none twice"),
        ("arms={mixd: [250]}", "mixd"),
        ("arms={mixed: [300]}", "none of the budgets"),
        ("comparisons=[[mixed]]", "two arms"),
        ("imagery_share=[0, 1]", "above zero"),
        ("items=0", "at least 1"),
        ("items=1", "at least 2"),
    ],
)
def test_a_recipe_that_cannot_be_run_is_refused(change, words):
    with pytest.raises(UserError, match=words):
        read_recipe(StudyRecipe, ROOT / "bench/study/recipes/full.yaml", [change])


def test_the_committed_recipe_asks_the_question_of_the_paper_with_five_seeds(recipe):
    assert len(recipe.seeds) == 5
    assert recipe.imagery_samples == 4 * recipe.traces_kept
    assert recipe.comparisons[0] == ["traces_same_updates", "imagery_then_traces"]
    assert {recipe.budgets_of(arm)[-1] for arm in ARMS} == {recipe.budgets[-1]}


def test_the_committed_recipe_takes_less_than_four_hours_by_the_pilots_figures(recipe):
    epochs = {"imagery": Epoch(1539, 1_745_000, 2_875_000), "traces": Epoch(394, 406_600, 718_000)}
    epochs["mixed"] = Epoch(2317, 2_558_000, 4_311_000)
    runs = all_runs(recipe, ARMS, epochs)
    updates = sum(run.updates for run in runs)
    assert (len(runs), updates) == (14, 12_231)
    each = updates * recipe.seconds_per_update + len(runs) * recipe.seconds_to_start
    each += (len(runs) + 1) * recipe.seconds_per_evaluation
    assert len(recipe.seeds) * each / recipe.at_once < 3.5 * 3600
