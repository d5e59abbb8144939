"""The parts of a round: weights, the probe, what is refused, and processes that end with the loop."""

from __future__ import annotations

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from idf.data import open_dataset
from idf.errors import UserError
from idf.loop import LoopRecipe, ProbeRecipe, TrainRecipe, _probe, weigh
from idf.loop import _train as training
from idf.loop._files import once
from idf.loop._probe import cell_of, draw_probe
from idf.loop._processes import apart
from idf.loop._table import loop_table
from idf.recipe import build_recipe, read_recipe
from idf.traces import Cell, TracesRecipe, build_traces, held_back
from idf.training.recipe import StageRecipe
from idf.worlds import WORLDS, problem_from_json, split_of
from tests.sentences import refused, says

from .conftest import SMALL

RECIPE: dict[str, Any] = {
    **SMALL,
    "traces": {"teacher": {"name": "hf"}},
    "evaluation": {"prompts": "idf-short-1"},
    "probe": {"problems": 3, "share": 0.25},
}


def recipe_of(**changes: Any) -> LoopRecipe:
    return build_recipe(LoopRecipe, RECIPE | changes, "test")


# --- weights -----------------------------------------------------------------------------------------------------

COUNTS = st.integers(0, 200).flatmap(lambda n: st.integers(0, n).map(lambda right: {"n": n, "right": right}))


@given(st.lists(COUNTS, min_size=1, max_size=8), st.floats(0.001, 0.25))
def test_weights_follow_success_and_none_is_below_the_floor(counts, floor):
    cells = {f"cube_rolling:{i + 1}": told for i, told in enumerate(counts)}
    weighed = weigh(cells, "weighted", floor)
    assert sum(told["weight"] for told in weighed.values()) == pytest.approx(1)
    spread = {cell: max(told["p"] * (1 - told["p"]), floor) for cell, told in weighed.items()}
    for cell, told in weighed.items():
        assert told["p"] == (cells[cell]["right"] + 1) / (cells[cell]["n"] + 2)
        assert told["weight"] == pytest.approx(spread[cell] / sum(spread.values()))
    assert len({told["weight"] for told in weigh(cells, "uniform", floor).values()}) == 1


def test_a_cell_that_is_half_solved_counts_most_and_one_that_is_done_the_floor():
    cells = {"cube_rolling:1": (1000, 1000), "cube_rolling:2": (1000, 500), "cube_rolling:3": (1000, 0)}
    weighed = weigh({cell: {"n": n, "right": right} for cell, (n, right) in cells.items()}, "weighted", 0.05)
    assert [round(told["weight"], 3) for told in weighed.values()] == [round(x / 0.35, 3) for x in (0.05, 0.25, 0.05)]


# --- the probe, and traces by cell -------------------------------------------------------------------------------


def test_the_probe_has_as_many_problems_of_each_size_all_held_back_and_none_twice():
    recipe = recipe_of(worlds=["cube_rolling", "mental_rotation", "moving_box", "wood_slide"])
    items, left_out = draw_probe(recipe)
    cells = Counter(str(cell_of(item.problem)) for item in items)
    assert set(cells.values()) == {3}
    assert left_out == {"mental_rotation:2": 0}, "no problem has two cubes"
    assert {cell for cell in cells if cell.startswith("mental")} == {f"mental_rotation:{n}" for n in (3, 4, 5)}
    for item in items:
        world = WORLDS[item.problem.world]
        keys = world.keys(item.problem)
        assert split_of(world, keys) == "train"
        assert held_back(world.family, keys.canonical, 0.25)
    assert len({(item.problem.start, item.problem.query) for item in items}) == len(items)
    assert draw_probe(recipe)[0] == items
    assert draw_probe(recipe_of(worlds=recipe.worlds, seed=1))[0] != items


def test_a_probe_that_no_size_can_fill_is_refused(monkeypatch):
    monkeypatch.setattr(_probe, "RAREST", 1.0)
    with refused("mental_rotation", 3, "probe.problems", "probe.share"):
        draw_probe(recipe_of(worlds=["mental_rotation"], probe={"problems": 3, "share": 0.01}))


@pytest.mark.parametrize("world", ["cube_rolling", "moving_box"])
def test_traces_are_drawn_by_exact_size_in_exact_shares_and_without_what_is_held_back(world, tmp_path):
    cells = {f"{world}:2": 3.0, f"{world}:4": 1.0, f"{world}:1": 0.0}
    recipe = TracesRecipe(problems=20, cells=cells, hold_back=0.3, modes={"tqa": 1.0}, max_pixels=12544)
    problems = [problem_from_json(sample.meta["problem"]) for sample in build_traces(recipe, tmp_path / "d").samples()]
    assert Counter(map(cell_of, problems)) == {Cell(world, 2): 15, Cell(world, 4): 5}
    assert not any(held_back(world, WORLDS[world].keys(problem).canonical, 0.3) for problem in problems)
    assert Counter(problem.difficulty for problem in problems) == Counter(
        WORLDS[world].difficulty(size) for size, n in ((2, 15), (4, 5)) for _ in range(n)
    )
    assert open_dataset(tmp_path / "d", made_by="-").manifest["recipe"]["cells"] == cells


def test_a_share_of_scenes_is_held_back_and_a_larger_one_holds_back_the_same_and_more():
    scenes = [str(n) for n in range(4000)]
    small, large = ({scene for scene in scenes if held_back("w", scene, share)} for share in (0.1, 0.3))
    assert small < large
    assert (len(small) / 4000, len(large) / 4000) == pytest.approx((0.1, 0.3), abs=0.03)
    assert not any(held_back("w", scene, 0.0) for scene in scenes)


@pytest.mark.parametrize("name", ["cube_rolling", "cube_rolling:x", "cubes:3", "cube_rolling:99"])
def test_what_is_no_cell_is_refused(name):
    with refused("cells", name):
        TracesRecipe(cells={name: 1.0}).check()


@pytest.mark.parametrize("weight", [-1.0, float("nan"), 0.0])
def test_weights_of_cells_that_are_none_are_refused(weight):
    with refused("cells", "zero"):
        TracesRecipe(cells={"cube_rolling:3": weight}).check()


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"traces": {"seed": 1}}, ("traces.seed",)),
        ({"traces": {"worlds": {"cube_rolling": 1}}}, ("traces.worlds",)),
        ({"traces": {"teacher": {"name": "hf", "model": "m"}}}, ("traces.teacher.model",)),
        ({"traces": {"teacher": {"name": "oracle"}}}, ("traces.teacher.name", "hf", "vllm", "oracle")),
        ({"traces": {"teacher": {"name": "openai"}}}, ("traces.teacher.name", "hf", "vllm", "openai")),
        ({"traces": {"teacher": {"name": "hf", "samples": 2}}}, ("traces", "samples", "temperature")),
        ({"filter": {"keep": 3}}, ("filter.keep",)),
        ({"evaluation": {"checkpoint": "m"}}, ("evaluation.checkpoint",)),
        ({"evaluation": {"prompts": "none"}}, ("evaluation", "none", "idf-long-1")),
        ({"probe": {"samples": 2, "temperature": 0}}, ("probe", "samples", "temperature")),
        ({"probe": {"share": 0.9}}, ("probe.share", 0.9)),
        ({"floor": 0}, ("floor", "zero")),
        ({"worlds": ["chess"]}, ("worlds", "chess")),
        ({"train": {"recipe": "idf:quickstart/stage1.yaml", "nproc": 2}}, ("train.recipe", "imagery", "reasoning")),
        ({"train": {"recipe": "idf:quickstart/stage2.yaml", "nproc": 5}}, ("rows_per_step", 6, 5)),
        ({"train": {"recipe": "idf:quickstart/stage2.yaml", "nproc": 2, "overrides": ["lr=1"]}}, ("learning_rate",)),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_asked(changes, words):
    with refused(*words):
        recipe_of(**changes)


def test_what_another_process_is_given_reaches_it_as_it_is():
    recipe = recipe_of(traces={"teacher": {"name": "hf", "batch_size": 3}}, evaluation={"batch_size": 4})
    given = (
        recipe.probe_of("m", "suite"),
        recipe.evaluation_of("m", "suite"),
        recipe.traces_of("m", 1, {"cube_rolling:3": 1}),
    )
    for one in given:
        assert pickle.loads(pickle.dumps(one)) == one


@pytest.mark.parametrize("kind", [LoopRecipe, ProbeRecipe, TrainRecipe])
def test_the_page_explains_every_key(kind):
    page = (Path(__file__).parents[2] / "docs/loop.md").read_text()
    keys = re.findall(r"^\| (`.*?`) \|", page.partition("## Keys")[2], re.MULTILINE)
    named = {name for cell in keys for name in re.findall(r"`([^`]+)`", cell)}
    section = {LoopRecipe: "", ProbeRecipe: "probe.", TrainRecipe: "train."}[kind]
    wanted = {f"{section}{field.name}" for field in fields(kind)} - {"probe", "train"}
    assert wanted <= named


def test_a_part_that_was_cut_off_is_made_again_and_one_that_is_broken_is_named(tmp_path):
    path = tmp_path / "round-1" / "success.json"

    def cut_off() -> dict[str, Any]:
        raise UserError("cut off")

    with pytest.raises(UserError):
        once(path, cut_off)
    assert once(path, lambda: {"n": 1}) == {"n": 1}
    assert once(path, lambda: {"n": 2}) == {"n": 1}
    path.write_text("{")
    with refused(path, "remove"):
        once(path, lambda: {"n": 3})


def test_the_table_has_a_line_a_round_and_a_line_a_cell():
    accuracy = {"tqa": {"accuracy": 0.5, "bootstrap95": [0.25, 0.75]}}
    cell = {"n": 8, "right": 2, "p": 0.3, "weight": 0.75, "drawn": 30, "solved": 7, "oracle": 5}
    rounds = [
        {"round": 0, "checkpoint": "m", "accuracy": accuracy},
        {"round": 1, "checkpoint": "n", "accuracy": accuracy, "updates": 44, "cells": {"cube_rolling:3": cell}},
    ]
    lines = loop_table(rounds).splitlines()
    says(lines[1], 0, "50.0% (25 - 75)")
    says(lines[2], 1, "50.0% (25 - 75)", "25.0%", 30, 7, 5, 44)
    says(lines[-1], "cube_rolling:3", "2/8 (75.0%)")


# --- training, and processes -------------------------------------------------------------------------------------

STAGE3 = """
import json, os, sys
from pathlib import Path
told = dict(word.split("=", 1) for word in sys.argv[3:])
run = Path(json.loads(told["run"]))
if os.environ["RANK"] == "0" and not (run / "stopped").exists() and (told.get("stop") or told.get("stop.reward_fall") == "0.1"):
    run.mkdir(parents=True)
    (run / "stopped").touch()
elif os.environ["RANK"] == "0":
    (run / "final").mkdir(parents=True)
    facts = {"step": int(told["steps"]), "argv": sys.argv[1:], "recipe": {"max_pixels": 12544}}
    (run / "final/idf.json").write_text(json.dumps(facts))
    (run / "final/skill.json").write_text('{"skill": 0.6}')
"""


@pytest.fixture
def stage3(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A script in the place of launch/stage3.py, which takes the same command line."""
    script = tmp_path / "stage3.py"
    script.write_text(STAGE3)
    monkeypatch.setattr(training, "find_script", lambda stage: script)
    return script


@pytest.mark.slow
def test_stage_3_is_called_as_stage_2_is_with_the_problems_that_were_drawn(stage3, loop, monkeypatch):
    from idf.loop import _recipe, _round

    monkeypatch.setattr(_recipe, "find_script", training.find_script)
    monkeypatch.setattr(_round, "train", training.train)
    monkeypatch.setattr("tests.loop.pupil.Pupil.fingerprint", classmethod(lambda cls, spec, whole=False: "pupil"))
    monkeypatch.setattr("tests.loop.pupil.skill_of", lambda model: 0.6)
    of_stage3 = ("train.stage=stage3", "train.recipe=idf:quickstart/stage3.yaml", "train.overrides=[beta=0.1]")
    out = loop("rounds=1", "train.oracle=0", "train.updates=7", *of_stage3)
    folder = out / "round-1"
    told = json.loads((folder / "train/final/idf.json").read_text())["argv"]
    assert told[:3] == ["--recipe", "idf:quickstart/stage3.yaml", "beta=0.1"]
    places = {"model": "pupil", "data": "out/round-1/problems", "run": "out/round-1/train"}
    assert told[3:] == [*(f'{key}="{place}"' for key, place in places.items()), "steps=7"]
    assert json.loads((folder / "trained.json").read_text())["updates"] == 7
    problems = open_dataset(folder / "problems", made_by="-")
    assert problems.manifest["recipe"]["teacher"]["name"] == "oracle"
    assert len(problems) == 30
    assert not (folder / "candidates").exists(), "reinforcement asks for its own samples"


@pytest.mark.slow
def test_a_round_whose_training_was_stopped_goes_on_with_other_overrides(stage3, loop, monkeypatch):
    from idf.loop import _recipe, _round

    monkeypatch.setattr(_recipe, "find_script", training.find_script)
    monkeypatch.setattr(_round, "train", training.train)
    words = (
        "rounds=1",
        "train.oracle=0",
        "train.updates=7",
        "train.stage=stage3",
        "train.recipe=idf:quickstart/stage3.yaml",
    )
    with refused("train", "stopped"):
        loop(*words, "train.overrides=[stop.reward_fall=0.1]")
    assert not (Path("out") / "round-1/trained.json").exists()
    out = loop(*words, "train.overrides=[stop.reward_fall=null]")
    told = json.loads((out / "round-1/train/final/idf.json").read_text())["argv"]
    assert "stop.reward_fall=null" in told
    assert json.loads((out / "loop.json").read_text())["train"]["overrides"] == ["stop.reward_fall=null"]


@pytest.mark.slow
def test_training_that_was_stopped_before_its_end_is_no_checkpoint_and_goes_on(stage3, tmp_path, monkeypatch):
    run = tmp_path / "run"
    overrides = [f'run="{run}"', "stop=yes", "steps=3"]
    with refused(run, "stopped", "again"):
        training.train("stage3", "r.yaml", overrides, 1, run)
    assert training.train("stage3", "r.yaml", overrides, 1, run) == run / "final"
    monkeypatch.setattr(training.subprocess, "call", lambda *words, **settings: 7)
    assert training.train("stage3", "r.yaml", overrides, 1, run) == run / "final", "what is whole is not trained again"
    with refused(tmp_path / "other", "status 7"):
        training.train("stage3", "r.yaml", [], 1, tmp_path / "other")


def test_a_script_that_is_not_there_is_told_with_the_places(tmp_path):
    assert training.find_script("stage2").name == "stage2.py"
    with refused("stage9.py", "launch"):
        training.find_script("stage9")


def test_a_process_of_its_own_gives_its_result_and_its_refusal_back():
    assert apart(os.getpid) != os.getpid()
    with refused("cells", "chess:1"):
        apart(Cell.read, "chess:1")
    with refused("died", "again"):
        apart(os._exit, 3)


def test_a_process_ends_with_the_one_that_started_it(tmp_path):
    story = (
        "import os, subprocess, sys\nfrom functools import partial\nfrom idf.processes import end_with\n"
        "child = subprocess.Popen(['sleep', '600'], preexec_fn=partial(end_with, os.getpid()))\n"
        "print(child.pid, flush=True)\nchild.wait()"
    )
    parent = subprocess.Popen([sys.executable, "-c", story], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    patience = time.monotonic() + 20
    while Path(f"/proc/{child}").exists() and "Z" not in Path(f"/proc/{child}/stat").read_text().split()[2]:
        assert time.monotonic() < patience
        time.sleep(0.01)


def test_a_number_of_updates_is_that_of_the_run_whatever_its_data(monkeypatch):
    from idf.training import survey
    from idf.training.dataset import steps_in_run

    recipe = read_recipe(StageRecipe, "idf:quickstart/stage2.yaml")

    class Found:
        class work:
            rows = 0

    monkeypatch.setattr(survey, "survey", lambda recipe: Found)
    for rows in (1, 5, 6, 7, 20, 41, 1000):
        Found.work.rows = rows
        for updates in (1, 2, 3, 7, 10, 33, 100):
            epochs = training.epochs_for(updates, recipe)
            changed = read_recipe(StageRecipe, "idf:quickstart/stage2.yaml", [f"epochs={epochs!r}"])
            assert steps_in_run(rows, changed) == updates


def test_a_round_of_stage_3_that_draws_too_few_problems_for_a_step_is_refused_before_anything_is_asked():
    train = {"stage": "stage3", "recipe": "idf:quickstart/stage3.yaml", "nproc": 2}
    recipe_of(train=train, traces={"problems": 12}).check()
    with refused("traces.problems", "11", "12", "prompts_per_step"):
        recipe_of(train=train, traces={"problems": 11}).check()
