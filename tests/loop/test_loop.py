"""Rounds that measure, draw, filter, train and evaluate; killed anywhere, they go on to the same weights."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from idf.data import open_dataset
from idf.evaluation import read_samples
from idf.loop import LoopRecipe, _round, success_by_cell
from idf.loop._probe import scenes_of
from idf.recipe import build_recipe, read_recipe
from idf.suites import open_suite
from idf.traces import TracesRecipe
from idf.training.reproduce import _data
from idf.worlds import problem_from_json
from tests.sentences import refused

from . import pupil
from .conftest import write_recipe

ROOT = Path(__file__).parents[2]
PARTS = ("success", "weights", "drawn", "trained", "done")


def read(path: Path) -> Any:
    return json.loads(path.read_text())


def decisions(out: Path) -> dict[str, Any]:
    """All that a loop decided, and what it trained on."""
    told = {str(path.relative_to(out)): read(path) for path in sorted(out.glob("round-*/*.json"))}
    data = {
        str(path.parent.relative_to(out)): open_dataset(path.parent, made_by="-").fingerprint()
        for path in sorted(out.glob("round-*/*/dataset.json"))
    }
    return told | data | {"rounds": read(out / "rounds.json"), "probe": read(out / "probe.json")}


def problems_of(folder: Path) -> list[Any]:
    return [problem_from_json(sample.meta["problem"]) for sample in open_dataset(folder, made_by="-").samples()]


def test_a_round_trains_the_checkpoint_of_the_round_before_and_both_are_evaluated(whole):
    out = whole
    rounds = read(out / "rounds.json")["rounds"]
    assert [told["round"] for told in rounds] == [0, 1, 2]
    assert [told["checkpoint"] for told in rounds] == ["pupil", *(f"out/round-{k}/train/final" for k in (1, 2))]
    assert read(out / "round-2/success.json")["checkpoint"] == "out/round-1/train/final"
    for told in rounds:
        results = read(out / f"round-{told['round']}/evaluation/results.json")
        assert told["accuracy"]["tqa"]["accuracy"] == results["macro"]["tqa"]["accuracy"]
        assert results["run"]["suite"] == "out/suite"
    for told in rounds[1:]:
        folder = out / f"round-{told['round']}"
        assert {path.stem for path in folder.glob("*.json")} == set(PARTS)
        assert told["updates"] == told["samples"] == len(open_dataset(folder / "data", made_by="-"))
        rows = read_samples(folder / "probe")
        assert success_by_cell(rows) == read(folder / "success.json")["cells"]
        assert {cell: told["cells"][cell]["n"] for cell in told["cells"]} == {
            f"cube_rolling:{n}": 12 for n in range(1, 6)
        }
        assert sum(cell["drawn"] for cell in told["cells"].values()) == 30
        for cell in told["cells"].values():
            assert abs(cell["drawn"] - 30 * cell["weight"]) < 1


def test_what_is_learned_from_is_what_the_checkpoint_solved_and_a_share_of_the_rest_told_by_the_oracle(whole):
    folder = whole / "round-1"
    solved = {sample.meta["key"] for sample in open_dataset(folder / "filtered", made_by="-").samples()}
    drawn = {sample.meta["key"] for sample in open_dataset(folder / "candidates", made_by="-").samples()}
    data = list(open_dataset(folder / "data", made_by="-").samples())
    told = {sample.meta["key"] for sample in data if sample.meta["teacher"] == "oracle"}
    assert 0 < len(solved) < len(drawn) == 30
    assert told.isdisjoint(solved)
    assert told <= drawn
    assert len(told) == round(0.25 * (30 - len(solved)))
    assert {sample.meta["key"] for sample in data} == solved | told
    assert len({sample.id for sample in data}) == len(data) == len(solved) + len(told)
    counts = read(folder / "drawn.json")["cells"].values()
    assert sum(cell["solved"] for cell in counts) == len(solved)
    assert sum(cell["oracle"] for cell in counts) == len(told)


def test_no_round_trains_on_a_scene_that_is_measured_on_or_reported(whole):
    out = whole
    measured = scenes_of(item.problem for item in open_suite(str(out / "probe")))
    reported = scenes_of(item.problem for item in open_suite(str(out / "suite")))
    assert len(measured) > 10
    assert not measured.keys() & reported.keys()
    for number in (1, 2):
        trained = scenes_of(problems_of(out / f"round-{number}/data"))
        assert not trained.keys() & (measured.keys() | reported.keys())
    first, second = (scenes_of(problems_of(out / f"round-{number}/candidates")) for number in (1, 2))
    assert len(first.keys() & second.keys()) < len(first) / 2, "each round draws problems of its own"


def test_a_suite_that_holds_a_scene_of_the_probe_is_refused(whole, loop):
    with refused("scenes", "the probe", whole / "probe"):
        loop(f"evaluation.suite={whole / 'probe'}")


def test_uniform_draws_are_the_same_loop_with_equal_weights(whole, loop):
    weighted, uniform = whole, loop("rounds=1", "draw=uniform")
    assert read(weighted / "probe.json") == read(uniform / "probe.json")
    assert read(weighted / "round-1/success.json") == read(uniform / "round-1/success.json")
    cells = read(uniform / "round-1/weights.json")["cells"]
    assert {told["weight"] for told in cells.values()} == {0.2}
    assert {told["drawn"] for told in read(uniform / "round-1/drawn.json")["cells"].values()} == {6}
    assert len({told["weight"] for told in read(weighted / "round-1/weights.json")["cells"].values()}) > 1


def test_another_seed_gives_another_loop(whole, loop):
    first, other = decisions(whole), decisions(loop("rounds=1", "seed=1"))
    assert other["round-1/candidates"] != first["round-1/candidates"]
    assert other["round-1/success.json"]["cells"] != first["round-1/success.json"]["cells"]


def test_the_traces_of_a_round_are_made_again_by_its_recipe_alone(whole):
    folder = whole / "round-1"
    recipe = read_recipe(TracesRecipe, folder / "traces.yaml")
    assert recipe.teacher.model == "pupil"
    assert recipe.hold_back == 0.25
    assert recipe.cells == {cell: told["weight"] for cell, told in read(folder / "weights.json")["cells"].items()}


def test_a_whole_loop_is_done_again_in_no_part_and_goes_on_with_more_rounds_to_the_same_as_in_one_go(
    loop, whole, monkeypatch
):
    out = loop("rounds=1")
    before = decisions(out)

    def never(*arguments: object) -> None:
        raise AssertionError("nothing is to be asked again")

    with monkeypatch.context() as patched:
        patched.setattr(_round, "run_evaluation", never)
        patched.setattr(_round, "train", never)
        loop("rounds=1")
    assert decisions(out) == before
    with refused("out", "probe.problems", 4, 5):
        loop("rounds=1", "probe.problems=5")
    loop("rounds=2")
    assert decisions(out) == decisions(whole)


def test_a_checkpoint_that_solves_nothing_has_nothing_to_learn_from_unless_the_oracle_tells(loop, tmp_path):
    pupil.make_pupil(tmp_path / "fool", 0.0)
    with refused("none of the 30", "candidates", "train.oracle"):
        loop("model=fool", "rounds=1", "train.oracle=0")
    folder = loop("model=fool", "out=told", "rounds=1", "train.oracle=1") / "round-1"
    assert len(open_dataset(folder / "data", made_by="-")) == 30
    weights = [told["weight"] for told in read(folder / "weights.json")["cells"].values()]
    assert weights == pytest.approx([0.2] * 5)


def test_a_checkpoint_that_was_trained_on_mixed_traces_says_how_they_are_made_again(whole):
    made = read(whole / "round-1/data/dataset.json")
    lines = "\n".join(_data({"made": made, "folder": "data", "samples": 1, "fingerprint": "f"}))
    assert "idf loop --recipe loop.yaml" in lines
    assert "idf traces" not in lines
    recipe = yaml.safe_load(lines.partition("<<'END_OF_RECIPE'\n")[2].partition("END_OF_RECIPE")[0])
    assert build_recipe(LoopRecipe, recipe, "-") == read_recipe(LoopRecipe, whole.parent / "loop.yaml")


# --- killed anywhere ---------------------------------------------------------------------------------------------

KILLED: dict[str, Callable[[Path], bool]] = {
    "while the probe is asked": lambda out: any(out.glob("round-1/probe/answers/*.jsonl")),
    "while candidates are asked for": lambda out: (out / "round-1/candidates.replies.jsonl").exists(),
    "in training": lambda out: (out / "round-1/train/half").exists(),
    "in the last evaluation": lambda out: (out / "round-2/trained.json").exists(),
}


def start(folder: Path) -> subprocess.Popen[bytes]:
    """The small loop in a process of its own."""
    command = [sys.executable, "-m", "tests.loop.pupil", "loop", "--recipe", str(folder / "loop.yaml")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log)


@pytest.mark.slow
def test_a_loop_that_is_killed_at_several_places_decides_as_one_that_is_not(whole, tmp_path):
    folder = tmp_path / "killed"
    folder.mkdir()
    write_recipe(folder / "loop.yaml")
    pupil.make_pupil(folder / "pupil", 0.6)
    for place, reached in KILLED.items():
        process = start(folder)
        patience = time.monotonic() + 120
        while not reached(folder / "out"):
            assert process.poll() is None, (folder / "log").read_text()[-3000:]
            assert time.monotonic() < patience, place
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, place
        assert not (folder / "out/round-2/done.json").exists(), place
    assert start(folder).wait() == 0, (folder / "log").read_text()[-3000:]
    assert decisions(folder / "out") == decisions(whole)
