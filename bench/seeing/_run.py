"""Data, plan and processes of the study, by the commands that everybody uses."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from math import prod
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

from ._close import CLOSE, closer
from ._questions import MAX_NEW_TOKENS, SEED, hash_of, held_out, questions_in
from ._recipe import ARMS, HERE, ROOT, SeeingRecipe

SECONDS_TO_LEARN = 0.019
"""CPU-seconds of a sample, by a pilot."""
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
    jobs = []
    with locked(Path(recipe.work).resolve() / ".lock", say) as lock:
        for world in recipe.samples:
            make_missing(_data_step(recipe, world), say)
            _cut(recipe, world, say)
            _ask_about(recipe, world)
            fix_plan(recipe.results_of(world) / "plan.json", _facts(recipe, world))
            jobs += jobs_of(recipe, world)
        seconds = sum(job.seconds for job in jobs)
        say(f"{len(jobs)} processes, about {seconds / 60:.0f} minutes of one core if none is done")
        if plan_only:
            return
        for world in recipe.samples:
            make_missing(_base_steps(recipe, world), say)
            _check_bases(recipe, world)
        run_jobs(jobs, recipe.at_once, lock, say)


def _check_bases(recipe: SeeingRecipe, world: str) -> None:
    for seed in recipe.seeds:
        base = recipe.folders(world).base(seed)
        family = json.loads((base / "config.json").read_text())["model_type"]
        if family != recipe.family:
            raise UserError(f"{base} is of {family}, and the recipe asks for {recipe.family}: remove it")


def _data_step(recipe: SeeingRecipe, world: str) -> list[tuple[Path, list[str]]]:
    """What makes the data of a world: (the file that is there when it is made, the words after `idf`)."""
    close = CLOSE.get(world)
    data = recipe.folders(world).data("imagery" if close is None else "drawn")
    samples, pixels = str(recipe.samples[world]), [] if close is None else [f"max_pixels={close.drawn}"]
    made = ["imagery", "--recipe", str(HERE / "imagery.yaml"), "--samples", samples, "--out", str(data)]
    return [(data / "dataset.json", [*made, f"worlds={{{world}: 1}}", *pixels])]


def _cut(recipe: SeeingRecipe, world: str, say: Callable[[str], None]) -> None:
    """Cut the pictures of a world's data, if they are to be and are not yet."""
    folders = recipe.folders(world)
    out = folders.data("imagery")
    if world in CLOSE and not (out / "dataset.json").exists():
        say(f"cutting the pictures of {folders.data('drawn')}")
        drawn = open_dataset(folders.data("drawn"), made_by="python -m bench.seeing")
        facts = {key: drawn.manifest[key] for key in ("stage", "recipe", "seed", "split", "published", "choice")}
        source = {"folder": "drawn", "fingerprint": drawn.fingerprint()}
        write_dataset(map(closer, drawn.samples()), out, facts | {"source": source, "close": CLOSE[world].told})


def _base_steps(recipe: SeeingRecipe, world: str) -> list[tuple[Path, list[str]]]:
    """What makes the base model of each seed."""
    folders = recipe.folders(world)
    data = str(folders.data("imagery"))
    return [
        (
            folders.base(seed) / "processor_config.json",
            ["tiny", data, "--seed", str(seed), "--family", recipe.family, "--out", str(folders.base(seed))],
        )
        for seed in recipe.seeds
    ]


def _ask_about(recipe: SeeingRecipe, world: str) -> None:
    """Write the held-out questions as a dataset, if they are not there; none shows a picture that is learned from."""
    folders = recipe.folders(world)
    out = folders.data("asked")
    if not (out / "dataset.json").exists():
        data = open_dataset(folders.data("imagery"), made_by="python -m bench.seeing")
        known = {hash_of(file) for sample in data.samples() for file in sample.images}
        questions = [sample for samples in held_out(world, recipe.each, known).values() for sample in samples]
        facts = {"stage": "imagery", "recipe": {"asked": recipe.each}, "seed": SEED, "split": "eval", "published": {}}
        write_dataset(questions, out, facts | {"versions": {"idf": VERSION}})


def _facts(recipe: SeeingRecipe, world: str) -> dict[str, Any]:
    """All that is fixed before the first run of a world.

    Raises:
        UserError: A held-out scene or picture is in the data, or the data are of another recipe.
    """
    folders, samples = recipe.folders(world), recipe.samples[world]
    free = ("results", "work", "at_once", "samples", "epochs", "arms")
    data = open_dataset(folders.data("imagery"), made_by="python -m bench.seeing")
    if len(data) != samples:
        raise UserError(
            f"{data.path} has {len(data)} samples, and the recipe asks for {samples}: name another work=DIR"
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
    stage = to_plain(read_stage_recipe(HERE / "stage1.yaml", _pixels(world)))
    return {
        "recipe": {key: value for key, value in to_plain(recipe).items() if key not in free},
        "epochs": recipe.epochs[world],
        "arms": ARMS,
        "stage1": {key: value for key, value in stage.items() if key not in ("model", "data", "run")},
        **({"close": CLOSE[world].told} if world in CLOSE else {}),
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


def jobs_of(recipe: SeeingRecipe, world: str) -> list[Job]:
    """All processes of a world, seed by seed: each arm's training, and its questions."""
    return [
        job
        for seed in recipe.seeds
        for arm in recipe.arms
        for job in (_training(recipe, world, seed, arm), _asking(recipe, world, seed, arm))
    ]


def _pixels(world: str) -> list[str]:
    """What of the stage's recipe is another for the pictures of a world."""
    return [f"max_pixels={prod(CLOSE[world].size)}"] if world in CLOSE else []


def _name(world: str, seed: int, arm: str) -> str:
    return f"{world} {arm} seed {seed}"


def _training(recipe: SeeingRecipe, world: str, seed: int, arm: str) -> Job:
    folders = recipe.folders(world)
    folder, epochs = folders.run(arm, seed), recipe.epochs[world]
    rate, train = recipe.vision_learning_rate, ARMS[arm]
    own = [f"vision_learning_rate={rate}"] if rate is not None and train != "language" else []
    return Job(
        name=_name(world, seed, arm),
        command=[
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"),
            *(str(ROOT / "launch" / "stage1.py"), "--recipe", str(HERE / "stage1.yaml"), f"epochs={epochs}"),
            *(f"model={folders.base(seed)}", f"data={folders.data('imagery')}", f"run={folder}", f"seed={seed}"),
            *(f"train={train}", *own, *_pixels(world)),
        ],
        done=lambda: (folder / "final" / "idf.json").exists(),
        log=folders.log(f"{arm}-seed{seed}"),
        seconds=SECONDS_TO_LEARN * epochs * recipe.samples[world],
    )


def _asking(recipe: SeeingRecipe, world: str, seed: int, arm: str) -> Job:
    folders = recipe.folders(world)
    final, out = folders.run(arm, seed) / "final", _answers(folders, seed, arm)
    return Job(
        name=f"questions to {_name(world, seed, arm)}",
        command=[sys.executable, "-m", "bench.seeing._questions", str(final), str(out), str(folders.data("asked"))],
        done=lambda: asked_of(out, final),
        log=folders.log(f"ask-{arm}-seed{seed}"),
        seconds=20 + SECONDS_TO_ASK * 2 * recipe.each,
        needs=(_name(world, seed, arm),),
        after=lambda: keep_results(recipe, world, seed),
    )


def _answers(folders: Folders, seed: int, arm: str) -> Path:
    return folders.evaluation(arm, seed) / "answers.json"


def keep_results(recipe: SeeingRecipe, world: str, seed: int) -> None:
    """Write what the arms of a world and seed that are done came to, item by item."""
    folders = recipe.folders(world)
    told: dict[str, Any] = {}
    for arm in recipe.arms:
        path = _answers(folders, seed, arm)
        if asked_of(path, folders.run(arm, seed) / "final"):
            said = json.loads(path.read_text())
            lines = (folders.run(arm, seed) / "history.jsonl").read_text().splitlines()
            rows = [json.loads(line) for line in lines]
            told[arm] = {
                "base": weights_hash(folders.base(seed)),
                "steps": len(rows),
                "seconds": round(sum(row["seconds"] for row in rows), 1),
                "course": [round(row["loss"], 4) for row in rows[:: max(1, len(rows) // 50)]],
                "last_loss": round(fmean(row["loss"] for row in rows[-20:]), 4),
                "checkpoint": said["checkpoint"],
                "answers": said["answers"],
            }
    keep_arms(recipe.results_of(world) / f"seed{seed}.json", told)
