"""Data, plan and processes of the study, by the commands that everybody uses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import fmean
from typing import Any

from bench.study._data import Folders, make_missing
from bench.study._jobs import Job, locked, run_jobs
from bench.study._outcome import asked_of, fix_plan, keep_arms, weights_hash
from idf.data import content_key, open_dataset, write_dataset
from idf.errors import UserError
from idf.recipe import to_plain
from idf.training.stages import read_stage_recipe
from idf.version import VERSION

from ._questions import MAX_NEW_TOKENS, SEED, hash_of, held_out, questions_in
from ._recipe import ARMS, HERE, ROOT, SeeingRecipe

SECONDS_TO_ASK = 0.15
"""CPU-seconds of a held-out question, by a pilot."""


def run_study(recipe: SeeingRecipe, *, plan_only: bool, say: Callable[[str], None]) -> None:
    """Run the study; killed at any moment, the same call goes on.

    Args:
        recipe: What it consists of.
        plan_only: Make the data, fix the plan and end.
        say: Prints a line.

    Raises:
        UserError: The study was begun with another plan, a held-out scene is in the data, or a process failed.
    """
    folders = Folders(Path(recipe.work).resolve())
    with locked(folders.work / ".lock", say) as lock:
        make_missing(_data_steps(recipe, folders), say)
        _ask_about(recipe, folders)
        fix_plan(Path(recipe.results) / "plan.json", _facts(recipe, folders))
        jobs = jobs_of(recipe, folders)
        seconds = sum(job.seconds for job in jobs)
        say(f"{len(jobs)} processes, about {seconds / 60:.0f} minutes of one core if none is done")
        if plan_only:
            return
        make_missing(_base_steps(recipe, folders), say)
        for seed in recipe.seeds:
            family = json.loads((folders.base(seed) / "config.json").read_text())["model_type"]
            if family != recipe.family:
                raise UserError(
                    f"{folders.base(seed)} is of {family}, and the recipe asks for {recipe.family}: remove it"
                )
        run_jobs(jobs, recipe.at_once, lock, say)


def _data_steps(recipe: SeeingRecipe, folders: Folders) -> list[tuple[Path, list[str]]]:
    """What makes the data: (the file that is there when it is made, the words after `idf`)."""
    data = folders.data("imagery")
    made = ["imagery", "--recipe", str(HERE / "imagery.yaml"), "--samples", str(recipe.samples), "--out", str(data)]
    return [(data / "dataset.json", made)]


def _base_steps(recipe: SeeingRecipe, folders: Folders) -> list[tuple[Path, list[str]]]:
    """What makes the base model of each seed."""
    bases = [(seed, folders.base(seed)) for seed in recipe.seeds]
    data = str(folders.data("imagery"))
    return [
        (
            base / "processor_config.json",
            ["tiny", data, "--seed", str(seed), "--family", recipe.family, "--out", str(base)],
        )
        for seed, base in bases
    ]


def _ask_about(recipe: SeeingRecipe, folders: Folders) -> None:
    """Write the held-out questions as a dataset, if they are not there; none shows a picture that is learned from."""
    out = folders.data("asked")
    if not (out / "dataset.json").exists():
        data = open_dataset(folders.data("imagery"), made_by="python -m bench.seeing")
        known = {hash_of(file) for sample in data.samples() for file in sample.images}
        questions = [sample for samples in held_out(recipe.each, known).values() for sample in samples]
        facts = {"stage": "imagery", "recipe": {"asked": recipe.each}, "seed": SEED, "split": "eval", "published": {}}
        write_dataset(questions, out, facts | {"versions": {"idf": VERSION}})


def _facts(recipe: SeeingRecipe, folders: Folders) -> dict[str, Any]:
    """All that is fixed before the first run.

    Raises:
        UserError: A held-out scene or picture is in the data, or the data are of another recipe.
    """
    free = ("results", "work", "at_once", "seconds")
    data = open_dataset(folders.data("imagery"), made_by="python -m bench.seeing")
    if len(data) != recipe.samples:
        raise UserError(
            f"{data.path} has {len(data)} samples, and the recipe asks for {recipe.samples}: name another work=DIR"
        )
    questions = questions_in(folders.data("asked"))
    asked = [sample for samples in questions.values() for sample in samples]
    scenes = {sample.meta["scene"] for sample in asked}
    pictures = {hash_of(file) for sample in asked for file in sample.images}
    seen = sum(
        sample.meta["scene"] in scenes or any(hash_of(file) in pictures for file in sample.images)
        for sample in data.samples()
    )
    if seen:
        raise UserError(f"{seen} samples of {data.path} show a scene or a picture that is asked about: they must not")
    stage = to_plain(read_stage_recipe(HERE / "stage1.yaml"))
    return {
        "recipe": {key: value for key, value in to_plain(recipe).items() if key not in free},
        "arms": ARMS,
        "stage1": {key: value for key, value in stage.items() if key not in ("model", "data", "run")},
        "data": {"samples": len(data), "fingerprint": data.fingerprint()},
        "questions": {
            "seed": SEED,
            "max_new_tokens": MAX_NEW_TOKENS,
            "each": {name: len(samples) for name, samples in questions.items()},
            "hash": content_key(
                *(part for sample in asked for part in (sample.meta["start"], sample.meta["question"]))
            ),
        },
    }


def jobs_of(recipe: SeeingRecipe, folders: Folders) -> list[Job]:
    """All processes, seed by seed: each arm's training, and its questions."""
    return [
        job
        for seed in recipe.seeds
        for arm, train in ARMS.items()
        for job in (_training(recipe, folders, seed, arm, train), _asking(recipe, folders, seed, arm))
    ]


def _training(recipe: SeeingRecipe, folders: Folders, seed: int, arm: str, train: str) -> Job:
    folder = folders.run(arm, seed)
    rate = recipe.vision_learning_rate
    own = [f"vision_learning_rate={rate}"] if rate is not None and train != "language" else []
    return Job(
        name=f"{arm} seed {seed}",
        command=[
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"),
            *(str(ROOT / "launch" / "stage1.py"), "--recipe", str(HERE / "stage1.yaml")),
            *(f"model={folders.base(seed)}", f"data={folders.data('imagery')}", f"run={folder}", f"seed={seed}"),
            *(f"train={train}", *own),
        ],
        done=lambda: (folder / "final" / "idf.json").exists(),
        log=folders.log(f"{arm}-seed{seed}"),
        seconds=recipe.seconds,
    )


def _asking(recipe: SeeingRecipe, folders: Folders, seed: int, arm: str) -> Job:
    final, out = folders.run(arm, seed) / "final", _answers(folders, seed, arm)
    return Job(
        name=f"questions to {arm} seed {seed}",
        command=[sys.executable, "-m", "bench.seeing._questions", str(final), str(out), str(folders.data("asked"))],
        done=lambda: asked_of(out, final),
        log=folders.log(f"ask-{arm}-seed{seed}"),
        seconds=20 + SECONDS_TO_ASK * 5 * recipe.each,
        needs=(f"{arm} seed {seed}",),
        after=lambda: keep_results(recipe, folders, seed),
    )


def _answers(folders: Folders, seed: int, arm: str) -> Path:
    return folders.evaluation(arm, seed) / "answers.json"


def keep_results(recipe: SeeingRecipe, folders: Folders, seed: int) -> None:
    """Write what the arms of a seed that are done came to, item by item."""
    told: dict[str, Any] = {}
    for arm in ARMS:
        path = _answers(folders, seed, arm)
        if asked_of(path, folders.run(arm, seed) / "final"):
            lines = (folders.run(arm, seed) / "history.jsonl").read_text().splitlines()
            rows = [json.loads(line) for line in lines]
            told[arm] = {
                "base": weights_hash(folders.base(seed)),
                "steps": len(rows),
                "seconds": round(sum(row["seconds"] for row in rows), 1),
                "course": [round(row["loss"], 4) for row in rows[:: max(1, len(rows) // 50)]],
                "last_loss": round(fmean(row["loss"] for row in rows[-20:]), 4),
                "answers": json.loads(path.read_text())["answers"],
            }
    keep_arms(Path(recipe.results) / f"seed{seed}.json", told)
