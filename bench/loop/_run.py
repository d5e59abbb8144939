"""Data, plan and processes of the study, by the commands that everybody uses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from bench.study._data import Folders, count_overlaps, make_missing
from bench.study._jobs import Job, idf_command, locked, run_jobs
from bench.study._outcome import fix_plan, read_answers, write_json
from idf.data import open_dataset
from idf.recipe import read_recipe, to_plain
from idf.suites import read_suite
from idf.training.recipe import StageRecipe

from ._recipe import ARMS, HERE, ROOT, LoopStudyRecipe
from ._report import whole_seeds

_FREE = ("work", "results", "at_once", "seconds_of_start", "seconds_of_loop")


def run_study(recipe: LoopStudyRecipe, *, plan_only: bool, say: Callable[[str], None]) -> None:
    """Run the study; killed at any moment, the same call goes on.

    Args:
        recipe: What it consists of.
        plan_only: Make the data, fix the plan and end.
        say: Prints a line.

    Raises:
        UserError: The study was begun with another plan, a scene of the suite is in the data, or a process failed.
    """
    folders = Folders(Path(recipe.work).resolve())
    results = Path(recipe.results)
    with locked(folders.work / ".lock", say) as lock:
        _make(recipe, folders, say)
        fix_plan(results / "plan.json", _facts(recipe, folders))
        seconds = recipe.seconds_of_start + len(recipe.seeds) * len(ARMS) * recipe.seconds_of_loop
        say(f"about {seconds / 60:.0f} minutes of one core for {len(recipe.seeds)} seeds")
        if plan_only:
            return
        done = whole_seeds(results, recipe.seeds)  # on this machine or another one
        if done:
            say(f"the results of seeds {', '.join(map(str, done))} are in {results}")
        loops = [job for seed in recipe.seeds if seed not in done for job in loops_of(recipe, folders, seed)]
        jobs = [*starts_of(recipe, folders), *loops] if loops else []
        run_jobs(jobs, recipe.at_once, lock, say)


def _make(recipe: LoopStudyRecipe, folders: Folders, say: Callable[[str], None]) -> None:
    """Make what is not there."""
    candidates, kept, suite = map(folders.data, ("candidates", "kept", "suite"))
    base = folders.base(recipe.start)
    traces = ["traces", "--recipe", str(HERE / "traces.yaml"), "--problems", str(recipe.problems)]
    asked = ["suite", "--recipe", str(HERE / "suite.yaml"), "--items", str(recipe.items), "--out", str(suite)]
    steps: list[tuple[Path, list[str]]] = [
        (candidates / "dataset.json", [*traces, "--out", str(candidates)]),
        (kept / "dataset.json", ["filter", str(candidates), "--keep", str(recipe.kept), "--out", str(kept)]),
        (suite / "suite.json", asked),
        (base / "processor_config.json", ["tiny", str(kept), "--seed", str(recipe.start), "--out", str(base)]),
    ]
    make_missing(steps, say)


def _facts(recipe: LoopStudyRecipe, folders: Folders) -> dict[str, Any]:
    """All that is fixed before the first run."""
    kept = open_dataset(folders.data("kept"), made_by="python -m bench.loop")
    places = ("model", "data", "run")
    return {
        "recipe": {key: value for key, value in to_plain(recipe).items() if key not in _FREE},
        "loop": _loop_recipe(),
        "stages": {
            name: {
                key: value
                for key, value in to_plain(read_recipe(StageRecipe, HERE / f"{name}.yaml")).items()
                if key not in places
            }
            for name in ("start", "further", "round")
        },
        "data": {"samples": len(kept), "fingerprint": kept.fingerprint()},
        "overlaps": count_overlaps({"kept": kept}, folders.data("suite")),
    }


def _loop_recipe() -> dict[str, Any]:
    """Keys of the loops, as they stand in the file."""
    recipe: dict[str, Any] = yaml.safe_load((HERE / "loop.yaml").read_text())
    return recipe


def starts_of(recipe: LoopStudyRecipe, folders: Folders) -> list[Job]:
    """Stage 2 from random weights, and from its end once more: where all loops begin."""
    first = _stage2(recipe, folders, "start", recipe.start, folders.base(recipe.start), ())
    from_it = folders.run("start", recipe.start) / "final"
    return [first, _stage2(recipe, folders, "further", recipe.start + 1, from_it, (first.name,))]


def _stage2(
    recipe: LoopStudyRecipe, folders: Folders, name: str, seed: int, model: Path, needs: tuple[str, ...]
) -> Job:
    run = folders.run(name, recipe.start)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"]
    places = [f"model={model}", f"data={folders.data('kept')}", f"run={run}", f"seed={seed}"]
    return Job(
        name=name,
        command=[*torchrun, str(ROOT / "launch" / "stage2.py"), "--recipe", str(HERE / f"{name}.yaml"), *places],
        done=lambda: (run / "final" / "idf.json").exists(),
        log=folders.log(name),
        seconds=recipe.seconds_of_start / 2,
        needs=needs,
    )


def loops_of(recipe: LoopStudyRecipe, folders: Folders, seed: int) -> list[Job]:
    """The loops of a seed, one for each arm."""
    return [_loop(recipe, folders, seed, arm) for arm in ARMS]


def _loop(recipe: LoopStudyRecipe, folders: Folders, seed: int, arm: str) -> Job:
    out = folders.run(arm, seed)
    rounds = _loop_recipe()["rounds"]
    return Job(
        name=f"{arm} seed {seed}",
        command=[
            *(idf_command("idf"), "loop", "--recipe", str(HERE / "loop.yaml"), f"draw={arm}", f"seed={seed}"),
            *(
                f"model={folders.run('further', recipe.start) / 'final'}",
                f"out={out}",
                f"train.recipe={HERE / 'round.yaml'}",
            ),
            f"evaluation.suite={folders.data('suite')}",
        ],
        done=lambda: (out / f"round-{rounds}" / "done.json").exists(),
        log=folders.log(f"{arm}-seed{seed}"),
        seconds=recipe.seconds_of_loop,
        needs=("further",),
        after=lambda: keep_results(recipe, folders, seed),
    )


def keep_results(recipe: LoopStudyRecipe, folders: Folders, seed: int) -> None:
    """Write what the loops of a seed that are done came to, item by item and round by round."""
    items = read_suite(folders.data("suite"))
    told: dict[str, Any] = {}
    for arm in ARMS:
        out = folders.run(arm, seed)
        rounds = _loop_recipe()["rounds"]
        if not (out / f"round-{rounds}" / "done.json").exists():
            continue
        answered = [read_answers(out / f"round-{number}" / "evaluation", items, "tqa") for number in range(rounds + 1)]
        told[arm] = {
            "causes": [one.causes for one in answered],
            "tokens": answered[-1].tokens,
            "rounds": [
                {key: one[key] for key in ("round", "updates", "samples", "cells")}
                for one in json.loads((out / "rounds.json").read_text())["rounds"][1:]
            ],
        }
    told["worlds"] = [item.problem.world for item in items]
    Path(recipe.results).mkdir(parents=True, exist_ok=True)
    write_json(Path(recipe.results) / f"seed{seed}.json", told)
