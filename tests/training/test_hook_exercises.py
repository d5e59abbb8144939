"""The hook asks exercises beside its problems; stage 1 from end to end, asked through `idf-eval` in its own form."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from idf.evaluation import EvaluationRecipe, rescore, run_evaluation
from idf.evaluation.run.rescore import Rescoring
from idf.imagery import draw_suite
from idf.suites import SuiteRecipe, generate_suite
from idf.training.hook import EvaluationHook, evaluated, hook_items
from idf.training.overhead import _items
from tests.sentences import line_that_says, refused

from .checkpoints import HOOK, recipe_for, save
from .running import HOOK as LAUNCHED
from .running import imagery_recipe, run

ASKING = replace(HOOK, modes=["tqa"], kinds=["rollout", "legality"], max_new_tokens=24)


def lines(folder):
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text().splitlines()]


def test_exercises_are_results_of_their_own_and_problems_are_answered_as_without_them(tiny, tmp_path, capsys):
    with_them, without = (
        recipe_for(tmp_path / "a", hook=ASKING),
        recipe_for(tmp_path / "b", hook=replace(ASKING, kinds=[])),
    )
    for recipe in (with_them, without):
        assert EvaluationHook(recipe).run(save(tiny.model, recipe, "checkpoint-2")) is not None
    first, second = (tmp_path / run / "evaluations" / "checkpoint-2" for run in "ab")
    assert lines(first) == lines(second)
    assert evaluated(tmp_path / "a") == evaluated(tmp_path / "b")
    assert not (second / "exercises").exists()
    told = json.loads((first / "exercises" / "results.json").read_text())
    assert (told["run"]["kinds"], told["run"]["items"]) == (["rollout", "legality"], 12)
    assert set(told["exercises"]["cube_rolling"]["tqa"]) == {"all", "rollout", "legality"}
    assert {row["kind"] for row in lines(first / "exercises")} == {"rollout", "legality"}
    line_that_says(capsys.readouterr().out, "cube_rolling", "tqa", "rollout", 3)


@pytest.mark.full
def test_what_the_hook_asked_in_exercises_is_judged_again(tiny, tmp_path):
    recipe = recipe_for(tmp_path, hook=ASKING)
    EvaluationHook(recipe).run(save(tiny.model, recipe, "checkpoint-2"))
    folder = tmp_path / "evaluations" / "checkpoint-2"
    rescore(Rescoring(folder, out=tmp_path / "again"), say=lambda text: None)
    assert lines(tmp_path / "again" / "exercises") == lines(folder / "exercises")


def test_the_plan_counts_every_question_of_the_hook():
    from pathlib import Path

    for hook in (HOOK, ASKING, replace(ASKING, kinds=["goal"])):
        recipe = recipe_for(Path("run"), hook=replace(hook, worlds=["moving_box", "wood_slide"]))
        assert _items(recipe) == len(hook_items(recipe))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"kinds": ["rolout"]}, ("hook.kinds", "'rolout'")),
        ({"kinds": ["reading"]}, ("hook.kinds", "reading", "vqa", "tqa")),
        ({"kinds": ["goal"]}, ("hook.kinds", "cube_rolling", "goal")),
    ],
)
def test_kinds_that_the_hook_cannot_ask_are_refused_before_training(changes, said, tmp_path):
    with refused(*said):
        recipe_for(tmp_path, hook=replace(ASKING, **changes)).check()


@pytest.mark.slow
def test_stage_1_is_asked_in_its_own_form_by_its_hook_and_by_idf_eval(tiny, tmp_path):
    hook = {**LAUNCHED, "modes": ["tqa"], "kinds": ["rollout"], "max_new_tokens": 40}
    trained = run("stage1.py", imagery_recipe(tiny, run="stage1", save_steps=100, hook=hook), tmp_path, ranks=1)
    assert trained.returncode == 0, trained.stderr[-3000:]
    final = tmp_path / "stage1" / "final"
    by_hook = lines(tmp_path / "stage1" / "evaluations" / "final" / "exercises")
    asked = SuiteRecipe(items=2, worlds=["cube_rolling"], difficulties=["easy"], kinds=["rollout"], max_pixels=12544)
    generate_suite(asked, tmp_path / "s", draw_suite)
    recipe = EvaluationRecipe.of(
        checkpoint=str(final),
        suite=str(tmp_path / "s"),
        modes=["tqa"],
        prompts="idf-short-1",
        max_new_tokens=40,
        batch_size=2,
        device="cpu",
    )
    said: list[str] = []
    found = run_evaluation(recipe, tmp_path / "o", say=said.append, show=False)
    assert found["exercises"]["cube_rolling"]["tqa"]["rollout"]["n"] == 2
    by_command = lines(tmp_path / "o")
    assert [row["response"] for row in by_command] == [row["response"] for row in by_hook]
    assert [row["steps_right"] for row in by_command] == [row["steps_right"] for row in by_hook]
    # It goes on from what is there: nothing is asked again.
    again: list[str] = []
    assert run_evaluation(recipe, tmp_path / "o", say=again.append, show=False)["exercises"] == found["exercises"]
    line_that_says("\n".join(again), "2 of 2", "not asked again")
    # And its rows are stored responses, which are scored alike.
    stored = EvaluationRecipe.of(responses=str(tmp_path / "o" / "samples.jsonl"), suite=str(tmp_path / "s"))
    assert run_evaluation(stored, tmp_path / "r", show=False)["exercises"] == found["exercises"]
