"""The data of both arms, the plan that is fixed before the first run, and the processes that follow it."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.study._arms import Epoch
from bench.study._data import Folders, count_overlaps, encode, link_tokens, make_missing
from bench.study._jobs import Job, idf_command, locked, run_jobs
from bench.study._outcome import fix_plan, read_answers, write_json
from idf.data import DatasetFolder, open_dataset
from idf.errors import UserError
from idf.evaluation import read_results
from idf.recipe import read_recipe, to_plain
from idf.suites import read_suite
from idf.training.recipe import StageRecipe

from ._players import guessing
from ._recipe import ARMS, HERE, ROOT, WORLDS, PlansRecipe
from ._report import whole_seeds

_SECONDS = ("seconds_per_update", "seconds_per_evaluation", "seconds_to_start")


def run_plans(recipe: PlansRecipe, *, plan_only: bool, say: Callable[[str], None]) -> None:
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
        stage = read_recipe(StageRecipe, HERE / "stage2.yaml")
        _make(recipe, folders, say)
        datasets = {arm: open_dataset(folders.data(arm), made_by="python -m bench.plans") for arm in ARMS}
        epochs = encode(datasets, stage, folders.base(recipe.seeds[0]), folders)
        overlaps = count_overlaps(datasets, folders.data("suite"))
        fix_plan(results / "plan.json", _facts(recipe, stage, datasets, epochs, overlaps, folders))
        seconds = sum(
            recipe.seconds_to_start
            + recipe.updates(epochs[arm].labels_per_update) * recipe.seconds_per_update
            + recipe.seconds_per_evaluation
            for arm in ARMS
        )
        say(f"about {seconds * len(recipe.seeds) / 60:.0f} minutes of one core for {len(recipe.seeds)} seeds")
        if plan_only:
            return
        done = whole_seeds(results, recipe.seeds)  # on this machine or another one
        if done:
            say(f"the results of seeds {', '.join(map(str, done))} are in {results}")
        jobs = [job for seed in recipe.seeds if seed not in done for job in _jobs(recipe, folders, epochs, seed)]
        run_jobs(jobs, 1, lock, say)


def _make(recipe: PlansRecipe, folders: Folders, say: Callable[[str], None]) -> None:
    """Make what is not there, with the commands that everybody uses."""
    steps: list[tuple[Path, list[str]]] = []
    for arm in ARMS:
        candidates, kept = folders.data(f"{arm}-candidates"), folders.data(arm)
        made = ["traces", "--recipe", str(HERE / "traces.yaml"), "--problems", str(recipe.problems)]
        steps.append((candidates / "dataset.json", [*made, "--out", str(candidates), f"teacher.styles={{{arm}: 1}}"]))
        steps.append(
            (kept / "dataset.json", ["filter", str(candidates), "--keep", str(recipe.kept), "--out", str(kept)])
        )
    suite = folders.data("suite")
    asked = ["suite", "--recipe", str(HERE / "suite.yaml"), "--items", str(recipe.items), "--out", str(suite)]
    steps.append((suite / "suite.json", asked))
    for seed in recipe.seeds:
        base = folders.base(seed)
        words = ["tiny", *(str(folders.data(arm)) for arm in ARMS), "--seed", str(seed), "--out", str(base)]
        steps.append((base / "processor_config.json", words))
    make_missing(steps, say)


def _facts(
    recipe: PlansRecipe,
    stage: StageRecipe,
    datasets: Mapping[str, DatasetFolder],
    epochs: Mapping[str, Epoch],
    overlaps: Mapping[str, Any],
    folders: Folders,
) -> dict[str, Any]:
    """All that is fixed before the first run."""
    kept = {arm: {sample.meta["key"] for sample in folder.samples()} for arm, folder in datasets.items()}
    return {
        "recipe": {key: value for key, value in to_plain(recipe).items() if key not in (*_SECONDS, "results", "work")},
        "stage": {key: value for key, value in to_plain(stage).items() if key not in ("model", "data", "run")},
        "arms": {
            arm: {
                "samples": len(folder),
                "fingerprint": folder.fingerprint(),
                "epoch": asdict(epochs[arm]),
                "updates": recipe.updates(epochs[arm].labels_per_update),
                "funnel": folder.manifest["funnel"]["counts"],
            }
            for arm, folder in datasets.items()
        },
        "problems_in_both_arms": len(set.intersection(*kept.values())),
        "overlaps": dict(overlaps),
        "guessing": guessing(read_suite(folders.data("suite"))),
    }


def _jobs(recipe: PlansRecipe, folders: Folders, epochs: Mapping[str, Epoch], seed: int) -> list[Job]:
    """Training and evaluation of both arms of a seed."""
    found = []
    for arm in ARMS:
        updates = recipe.updates(epochs[arm].labels_per_update)
        training = _training(recipe, folders, arm, seed, updates, epochs[arm])
        found += [training, _evaluation(recipe, folders, arm, seed, training.name)]
    return found


def _training(recipe: PlansRecipe, folders: Folders, arm: str, seed: int, updates: int, epoch: Epoch) -> Job:
    folder = folders.run(arm, seed)
    history = folder / "history.jsonl"
    overrides = {
        "model": folders.base(seed),
        "data": folders.data(arm),
        "run": folder,
        "epochs": repr(updates / epoch.updates),
        "seed": seed,
    }

    def progress() -> float:
        return history.read_bytes().count(b"\n") / updates if history.exists() else 0.0

    def clean() -> None:
        if progress() != 1.0:
            raise UserError(f"{folder} was to have {updates} updates, {history} says otherwise")
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)

    return Job(
        name=f"{arm} seed {seed}",
        command=[
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"),
            *(str(ROOT / "launch" / "stage2.py"), "--recipe", str(HERE / "stage2.yaml")),
            *(f"{key}={value}" for key, value in overrides.items()),
        ],
        done=lambda: (folder / "final" / "idf.json").exists(),
        log=folders.log(f"train-{arm}-seed{seed}"),
        seconds=recipe.seconds_to_start + updates * recipe.seconds_per_update,
        before=lambda: link_tokens(folders.tokens(arm), folder),
        after=clean,
        progress=progress,
    )


def _evaluation(recipe: PlansRecipe, folders: Folders, arm: str, seed: int, training: str) -> Job:
    out = folders.evaluation(arm, seed)

    def keep() -> None:
        (out / "done").touch()  # the files of an evaluation are written one after the other
        keep_results(recipe, folders, seed)

    return Job(
        name=f"evaluation of {arm} seed {seed}",
        command=[
            *(idf_command("idf-eval"), str(folders.run(arm, seed) / "final"), "--suite", str(folders.data("suite"))),
            *("--modes", "tqa", "--prompts", "idf-short-1", "--max-new-tokens", str(recipe.max_new_tokens)),
            *("--batch-size", str(recipe.batch_size), "--out", str(out)),
        ],
        done=lambda: (out / "done").exists(),
        log=folders.log(f"evaluate-{arm}-seed{seed}"),
        seconds=recipe.seconds_per_evaluation,
        needs=(training,),
        after=keep,
    )


def keep_results(recipe: PlansRecipe, folders: Folders, seed: int) -> None:
    """Write what the arms of a seed that are done came to, item by item."""
    items = read_suite(folders.data("suite"))
    arms = {}
    for arm in ARMS:
        out = folders.evaluation(arm, seed)
        if not (out / "done").exists():
            continue
        answered = read_answers(out, items, "tqa")
        lines = (folders.run(arm, seed) / "history.jsonl").read_text().splitlines()
        history = [json.loads(line) for line in lines]
        arms[arm] = {
            "updates": len(history),
            "label_tokens": sum(row["label_tokens"] for row in history),
            "last_loss": sum(row["loss"] for row in history[-50:]) / len(history[-50:]),
            "seconds": round(sum(row["seconds"] for row in history), 1),
            "seconds_of_evaluation": read_results(out)["run"]["seconds"],
            "worlds": {
                world: {
                    "causes": "".join(c for c, item in zip(answered.causes, items) if item.problem.world == world),
                    "tokens": [n for n, item in zip(answered.tokens, items) if item.problem.world == world],
                    "right": [n for n, item in zip(answered.right, items) if item.problem.world == world],
                    "steps": [n for n, item in zip(answered.steps, items) if item.problem.world == world],
                }
                for world in WORLDS
            },
        }
    write_json(Path(recipe.results) / f"seed{seed}.json", arms)
