"""Data, plan and processes of the probe."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.study._data import Folders
from bench.study._jobs import Job, locked, run_jobs
from bench.study._outcome import fix_plan, write_json
from idf.data import content_key, open_dataset, write_dataset
from idf.errors import UserError
from idf.recipe import to_plain
from idf.training.stages import read_stage_recipe
from idf.version import VERSION

from ._ask import MAX_NEW_TOKENS, SEED
from ._items import held_out, samples
from ._recipe import ARMS, HERE, LEFT, ROOT, SHOWN, ProbeRecipe

DATA_SEED = 7
"""Of the training items, the same for all runs."""


def run_study(recipe: ProbeRecipe, *, plan_only: bool, say: Callable[[str], None]) -> None:
    """Run the probe; killed at any moment, the same call goes on.

    Args:
        recipe: What it consists of.
        plan_only: Make the data, fix the plan and end.
        say: Prints a line.

    Raises:
        UserError: It was begun with another plan, a base is missing, an item is in the data, or a process failed.
    """
    folders, results = Folders(Path(recipe.work).resolve()), Path(recipe.results)
    with locked(folders.work / ".lock", say) as lock:
        for arm in ARMS:
            _make(recipe, folders, arm, say)
        fix_plan(results / "plan.json", _facts(recipe, folders))
        jobs = jobs_of(recipe, folders)
        say(
            f"{len(jobs)} processes, about {sum(job.seconds for job in jobs) / 60:.0f} minutes of one core if none is done"
        )
        if plan_only:
            return
        for seed in recipe.seeds:
            if not (recipe.base_of(seed) / "idf.json").exists():
                raise UserError(
                    f"{recipe.base_of(seed)} is no checkpoint of idf: run python -m bench.seeing first, or set base="
                )
        run_jobs(jobs, recipe.at_once, lock, say)


def _make(recipe: ProbeRecipe, folders: Folders, arm: str, say: Callable[[str], None]) -> None:
    """Write the data of an arm, if they are not there."""
    out = folders.data(arm)
    if (out / "dataset.json").exists():
        return
    say(f"{recipe.samples} samples of {arm} to {out}")
    facts = {
        "stage": "imagery",
        "recipe": {"probe": arm, "samples": recipe.samples},
        "seed": DATA_SEED,
        "split": "train",
    }
    facts |= {"published": {}, "versions": {"idf": VERSION}}
    write_dataset(samples(DATA_SEED, arm, recipe.samples), out, facts)


def _facts(recipe: ProbeRecipe, folders: Folders) -> dict[str, Any]:
    """All that is fixed before the first run.

    Raises:
        UserError: A held-out scene is in the data.
    """
    free = ("results", "work", "base", "at_once", "seconds")
    asked = held_out(SEED, recipe.each)
    data = {arm: open_dataset(folders.data(arm), made_by="python -m bench.probe") for arm in ARMS}
    learned = {sample.meta["key"] for sample in data[ARMS[0]].samples()}
    if seen := sum(item.key in learned for item in asked):
        raise UserError(f"{seen} items that are asked are in {data[ARMS[0]].path}: they must not")
    stage = to_plain(read_stage_recipe(HERE / "stage.yaml"))
    return {
        "recipe": {key: value for key, value in to_plain(recipe).items() if key not in free},
        "arms": list(ARMS),
        "shown": list(SHOWN),
        "left": list(LEFT),
        "stage": {key: value for key, value in stage.items() if key not in ("model", "data", "run")},
        "data": {arm: {"samples": len(one), "fingerprint": one.fingerprint()} for arm, one in data.items()},
        "asked": {
            "seed": SEED,
            "items": len(asked),
            "max_new_tokens": MAX_NEW_TOKENS,
            "hash": content_key(*(item.key for item in asked)),
        },
    }


def jobs_of(recipe: ProbeRecipe, folders: Folders) -> list[Job]:
    """All processes, seed by seed: each arm's training, and its questions."""
    return [
        job
        for seed in recipe.seeds
        for arm in ARMS
        for job in (_training(recipe, folders, seed, arm), _asking(recipe, folders, seed, arm))
    ]


def _training(recipe: ProbeRecipe, folders: Folders, seed: int, arm: str) -> Job:
    run = folders.run(arm, seed)
    return Job(
        name=f"{arm} seed {seed}",
        command=[
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"),
            *(str(ROOT / "launch" / "stage1.py"), "--recipe", str(HERE / "stage.yaml"), f"seed={seed}"),
            *(f"model={recipe.base_of(seed)}", f"data={folders.data(arm)}", f"run={run}"),
            f"tokens_per_row={recipe.tokens_per_row[arm]}",
        ],
        done=lambda: (run / "final" / "idf.json").exists(),
        log=folders.log(f"{arm}-seed{seed}"),
        seconds=recipe.seconds,
    )


def _asking(recipe: ProbeRecipe, folders: Folders, seed: int, arm: str) -> Job:
    final, out = folders.run(arm, seed) / "final", _answers(folders, seed, arm)
    return Job(
        name=f"questions to {arm} seed {seed}",
        command=[sys.executable, "-m", "bench.probe._ask", str(final), str(out), arm, str(recipe.each)],
        done=out.exists,
        log=folders.log(f"ask-{arm}-seed{seed}"),
        seconds=20 + 0.2 * recipe.each * len(LEFT),
        needs=(f"{arm} seed {seed}",),
        after=lambda: keep_results(recipe, folders, seed),
    )


def _answers(folders: Folders, seed: int, arm: str) -> Path:
    return folders.evaluation(arm, seed) / "answers.json"


def keep_results(recipe: ProbeRecipe, folders: Folders, seed: int) -> None:
    """Write what the arms of a seed that are done came to, item by item."""
    told: dict[str, Any] = {}
    for arm in ARMS:
        path = _answers(folders, seed, arm)
        if path.exists():
            rows = [json.loads(line) for line in (folders.run(arm, seed) / "history.jsonl").read_text().splitlines()]
            told[arm] = json.loads(path.read_text()) | {
                "steps": len(rows),
                "seconds": round(sum(row["seconds"] for row in rows), 1),
                "last_loss": round(fmean(row["loss"] for row in rows[-20:]), 4),
            }
    Path(recipe.results).mkdir(parents=True, exist_ok=True)
    write_json(Path(recipe.results) / f"seed{seed}.json", told)
