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
from bench.study._outcome import asked_of, fix_plan, keep_arms, read_seeds, weights_hash
from idf.data import content_key, open_dataset, write_dataset
from idf.errors import UserError
from idf.recipe import to_plain
from idf.training.stages import read_stage_recipe
from idf.version import VERSION

from ._ask import MAX_NEW_TOKENS, SEED
from ._items import held_out, sample_of, samples
from ._recipe import ARMS, HERE, LEFT, READ, ROOT, SHOWN, ProbeRecipe

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
        check_bases(recipe)
        run_jobs(jobs, recipe.at_once, lock, say)


def check_bases(recipe: ProbeRecipe) -> None:
    """Refuse a base that is not there or does not read.

    Raises:
        UserError: It has no weights, or the study of seeing has no result of it, or one below READ, or one of another model.
    """
    for seed in recipe.seeds:
        base = recipe.base_of(seed)
        if not (base / "idf.json").exists():
            raise UserError(f"{base} is no checkpoint of idf: run python -m bench.seeing first, or set base=")
        if recipe.seeing is None:
            continue
        told = read_seeds(Path(recipe.seeing), [seed]).get(seed, {}).get(recipe.arm)
        if told is None:
            raise UserError(
                f"{recipe.seeing} has no result of the arm {recipe.arm} of seed {seed}: run python -m bench.seeing first"
            )
        if told["checkpoint"] != weights_hash(base):
            raise UserError(
                f"{recipe.seeing} says what another model than {base} read: run python -m bench.seeing with results=DIR, and "
                "this with seeing=DIR/moving_box"
            )
        right = told["answers"]["moving_box reading"]["right"]
        if (share := right.count(".") / len(right)) < READ:
            raise UserError(
                f"the base of seed {seed} reads {share:.0%} of Moving Box's grids, and the probe begins at {READ:.0%}: train it "
                "longer"
            )


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
        UserError: A held-out scene is in the data, or the arms' data are not of the same items.
    """
    free = ("results", "work", "base", "seeing", "at_once", "seconds")
    asked = held_out(SEED, recipe.each)
    data = {arm: open_dataset(folders.data(arm), made_by="python -m bench.probe") for arm in ARMS}
    scenes = {sample_of(item, ARMS[0], 0).meta["scene"] for item in asked}
    learned = [(sample.meta["key"], sample.meta["scene"]) for sample in data[ARMS[0]].samples()]
    if seen := sum(scene in scenes for _, scene in learned):
        raise UserError(f"{seen} samples of {data[ARMS[0]].path} show a scene that is asked about: they must not")
    for one in data.values():
        shown = [(sample.meta["key"], sample.meta["scene"]) for sample in one.samples()]
        if shown != learned or len(shown) != recipe.samples:
            raise UserError(
                f"{one.path} has other items than {data[ARMS[0]].path}, or not {recipe.samples}: remove both"
            )
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
        done=lambda: asked_of(out, final),
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
        if asked_of(path, folders.run(arm, seed) / "final"):
            rows = [json.loads(line) for line in (folders.run(arm, seed) / "history.jsonl").read_text().splitlines()]
            told[arm] = json.loads(path.read_text())["answers"] | {
                "base": weights_hash(recipe.base_of(seed)),
                "steps": len(rows),
                "seconds": round(sum(row["seconds"] for row in rows), 1),
                "last_loss": round(fmean(row["loss"] for row in rows[-20:]), 4),
            }
    keep_arms(Path(recipe.results) / f"seed{seed}.json", told)
