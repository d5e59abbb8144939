"""The study end to end, at its smallest: killed once and gone on with, it comes to the same as undisturbed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.study import StudyRecipe, report_so_far
from bench.study._plan import fix_plan
from idf.errors import UserError
from idf.recipe import read_recipe, to_plain

ROOT = Path(__file__).parents[2]
RECIPES = "bench/study/recipes"
ARMS = "arms={untrained: [12], imagery: [], traces: [], traces_same_labels: []}"


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    """Start the quick study with two trained arms, and a checkpoint after every update."""
    recipes = []
    for stage in ("stage1", "stage2"):
        told = yaml.safe_load((ROOT / RECIPES / f"{stage}.yaml").read_text()) | {"save_steps": 1}
        path = folder.parent / f"{stage}.yaml"
        path.write_text(yaml.safe_dump(told))
        recipes.append(f"{stage}={path}")
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "bench.study", "--quick", f"work={folder}", f"results={folder}/results", *recipes),
            *(ARMS, "budgets=[12]", "modes=[tqa]", *more),
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    try:
        out, _ = process.communicate(timeout=500)
    except subprocess.TimeoutExpired:
        process.terminate()
        raise
    assert process.returncode == 0, out[-3000:]
    return out


def results(folder: Path) -> dict[str, Any]:
    """The files that tables and figures are drawn from, without places and times."""
    found = {
        name: json.loads((folder / f"results/{name}.json").read_text()) for name in ("outcomes", "summary", "plan")
    }
    for key in ("work", "results", "stage1", "stage2"):
        found["plan"]["recipe"].pop(key)
    return found


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("undisturbed") / "study"
    return folder, finish(start(folder))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.full
def test_the_report_is_complete(undisturbed):
    folder, out = undisturbed
    study = results(folder)
    assert study["plan"]["arms"] == {
        "untrained": {"12": "base"},
        "traces_same_updates": {"12": "traces-12"},
        "imagery_then_traces": {"12": "imagery-8-then-4"},
        "mixed": {"12": "mixed-12"},
    }
    assert set(study["outcomes"]["answers"]) == {"base", "imagery-8", "traces-12", "imagery-8-then-4", "mixed-12"}
    assert study["outcomes"]["updates"]["imagery-8-then-4"]["1"]["updates"] == 12
    assert len(study["summary"]["cells"]) == 4 * 4  # arms, worlds and their mean
    assert [(one["a"], one["b"]) for one in study["summary"]["comparisons"]] == [
        ("traces_same_updates", "imagery_then_traces"),
        ("mixed", "imagery_then_traces"),
    ]
    for name, data in study["plan"]["overlaps"]["datasets"].items():
        assert data["in_suite"] == 0, name
    assert "its numbers mean nothing" in out
    assert "0 of them show such a scene" in out
    assert len(json.loads((folder / "results/comparisons.json").read_text())["seeds"]) == 2


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.full
def test_killed_and_gone_on_with_it_comes_to_the_same_and_runs_nothing_twice(undisturbed, tmp_path):
    folder = tmp_path / "study"
    process = start(folder)
    deadline = time.monotonic() + 400
    while not (running := [path for path in folder.glob("runs/*/history.jsonl") if path.read_text().count("\n") >= 2]):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in folder.glob("runs/*/final/idf.json")}
    out = finish(start(folder))
    assert results(folder) == results(undisturbed[0])
    assert all(path.stat().st_mtime_ns == then for path, then in before.items())
    log = (folder / f"logs/train-{running[0].parent.name}.log").read_text()
    assert "of them done" in log  # the run that was caught went on from its checkpoint
    assert "waiting for processes of an earlier start" in out or "have ended well before" in out


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.full
def test_a_study_is_not_gone_on_with_another_plan(undisturbed):
    folder, _ = undisturbed
    process = start(folder, "items=3")
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "was begun with recipe.items=2, not 3" in out


def test_a_study_that_was_not_begun_has_no_results_so_far(tmp_path):
    recipe = read_recipe(StudyRecipe, ROOT / RECIPES / "full.yaml", [f"work={tmp_path}"])
    with pytest.raises(UserError, match=r"there is no .*plan\.json: start the study first"):
        report_so_far(recipe)


def test_the_committed_results_are_of_the_committed_recipe_wherever_its_files_lie():
    path = ROOT / "bench/results/study/plan.json"
    assert json.loads(path.read_text())["recipe"]["stage1"] != f"{RECIPES}/stage1.yaml", (
        "it moved after the study was run"
    )
    fix_plan(path, {"recipe": to_plain(read_recipe(StudyRecipe, ROOT / RECIPES / "full.yaml"))})
    other = read_recipe(StudyRecipe, ROOT / RECIPES / "full.yaml", ["stage1=elsewhere/stage2.yaml"])
    with pytest.raises(UserError, match=r"begun with recipe\.stage1=.*stage1\.yaml, not elsewhere/stage2\.yaml"):
        fix_plan(path, {"recipe": to_plain(other)})


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.full
def test_the_seeds_that_are_whole_are_reported_before_the_others_and_the_report_says_so(undisturbed, tmp_path):
    folder = tmp_path / "study"
    shutil.copytree(undisturbed[0], folder)
    plan = json.loads((folder / "plan.json").read_text())
    plan["recipe"] |= {"seeds": [1, 2], "claims": True, "work": str(folder)}
    (folder / "plan.json").write_text(json.dumps(plan))
    told = {key: plan["recipe"][key] for key in ("work", "stage1", "stage2", "arms", "budgets", "modes", "seeds")}
    changes = [f"{key}={json.dumps(value)}" for key, value in told.items()] + ["claims=true"]
    recipe = read_recipe(StudyRecipe, ROOT / RECIPES / "quick.yaml", [*changes, f"results={folder}/so-far"])
    said: list[str] = []
    report_so_far(recipe, say=said.append)
    assert "**1 of 2 seeds so far (1): the study is not finished.**" in said[0]
    summary = json.loads((folder / "so-far/summary.json").read_text())
    assert (summary["seeds"], summary["seeds_planned"]) == ([1], [1, 2])
    assert summary["cells"] == json.loads((folder / "results/summary.json").read_text())["cells"]

    # Another machine runs the second seed alone (here: the first one under its name), and adds it.
    for path in (*folder.glob("runs/*-seed1"), *folder.glob("evaluations/*-seed1")):
        path.rename(path.with_name(path.name.replace("seed1", "seed2")))
    report_so_far(recipe, add=True, say=said.append)
    assert "so far" not in said[1]
    both = json.loads((folder / "so-far/outcomes.json").read_text())
    for seeds in (*both["answers"].values(), *both["updates"].values()):
        assert seeds["1"] == seeds["2"]
    for name, keys in (("comparisons", "seeds"), ("seconds", "seconds")):
        told = json.loads((folder / f"so-far/{name}.json").read_text())[keys]
        assert {key[-1] for key in told} == {"1", "2"}
    with pytest.raises(UserError, match=r"so-far has all seeds: 1, 2"):
        report_so_far(recipe, add=True)

    next(folder.glob("evaluations/*/done")).unlink()
    with pytest.raises(UserError, match=r"no seed of .* is whole yet: each has 5 evaluations"):
        report_so_far(recipe)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.full
def test_every_figure_and_table_is_drawn_from_the_json_alone(undisturbed, tmp_path):
    folder, _ = undisturbed
    for name in ("a", "b"):
        done = subprocess.run(
            [
                *(sys.executable, "-m", "bench.study.report"),
                *("--results", str(folder / "results"), "--out", str(tmp_path / name)),
                *["--numbers"] * (name == "b"),
            ],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-2000:]
    names = {path.name for path in (tmp_path / "a").iterdir()}
    assert names == {"tables.md"} | {
        f"{name}.png" for name in ("headline", "curves", "imagined", "steps", "lengths", "causes", "differences")
    }
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert "its numbers mean nothing" in (tmp_path / "a/tables.md").read_text()
