"""Data, plan and processes of the study, by the commands that everybody uses."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.study._arms import Epoch
from bench.study._data import Folders, encode, link_tokens, make_missing
from bench.study._jobs import Job, idf_command, locked, run_jobs
from bench.study._outcome import fix_plan, read_answers, write_json
from idf.data import DatasetFolder, open_dataset
from idf.errors import UserError
from idf.recipe import read_recipe, to_plain
from idf.suites import read_suite
from idf.training.recipe import StageRecipe
from idf.worlds import WORLDS

from ._arms import Run, check_runs, dose_curve, planned, run_of
from ._data import MADE_BY, commands, count_overlaps, hold_out
from ._hours import evaluation_seconds, training_seconds, walk_seconds, within
from ._recipe import HERE, MODE, PROMPTS, ROOT, WORLD, PretrainedRecipe
from ._report import learned
from ._timed import cpu_seconds

_LEARNED_FROM = ("imagery", "traces", "short", "mixed")
_FREE = ("work", "results", "at_once", "hours")
"""Keys of the recipe that may change while the study runs."""
BASE = ("base", "smollm2")


def run_study(
    recipe: PretrainedRecipe, *, plan_only: bool, pilot: bool, hours: float | None, say: Callable[[str], None]
) -> None:
    """Run the study; killed at any moment, the same call goes on, and what the results hold is not run again.

    Args:
        recipe: What it consists of.
        plan_only: Make the data, fix the plan and end.
        pilot: Run one arm with the pilot's seed, *traces only* at the smaller budget, before the plan is fixed.
        hours: Begin no arm that would not end within so many hours of `at_once` cores; None for all of them.
        say: Prints a line.

    Raises:
        UserError: The study was begun with another plan, a path of the suite is in the data, or a process failed.
    """
    folders = Folders(Path(recipe.work).resolve())
    results = Path(recipe.results)
    with locked(folders.work / ".lock", say) as lock:
        _make(recipe, folders, say)
        datasets = {name: open_dataset(folders.data(name), made_by=MADE_BY) for name in _LEARNED_FROM}
        epochs = encode(datasets, read_recipe(StageRecipe, HERE / "stage2.yaml"), folders.base(0), folders)
        if pilot:
            arm = [(recipe.pilot_seed, run_of("traces", recipe.budgets[0], recipe))]
            run_jobs(list(jobs_of(arm, recipe, epochs, folders)), recipe.at_once, lock, say)
            return
        kept, computed = within(recipe, epochs)
        fix_plan(results / "plan.json", _facts(recipe, computed, datasets, epochs, folders))
        say(
            f"{computed['hours']} hours of {recipe.at_once} cores; dropped: {', '.join(computed['dropped']) or 'nothing'}"
        )
        if plan_only:
            return
        _make_random_bases(kept, folders, say)
        budget = None if hours is None else 3600 * recipe.at_once * hours
        if learned(recipe) is None:
            used = run_arms(check_runs(recipe), budget, kept, epochs, folders, lock, say)
            budget = None if budget is None else budget - used
        if learned(recipe) is None:
            return
        arms = planned(kept) if learned(recipe) else dose_curve(recipe)
        say(f"stage 1 is {'learned: the arms follow' if learned(recipe) else 'not learned: its dose curve follows'}")
        run_arms(arms, budget, kept, epochs, folders, lock, say)


def run_arms(
    arms: Sequence[tuple[int, Run]],
    budget: float | None,
    recipe: PretrainedRecipe,
    epochs: Mapping[str, Epoch],
    folders: Folders,
    lock: Any,
    say: Callable[[str], None],
) -> float:
    """Run the arms that end within a budget of CPU-seconds, from the first on; the CPU-seconds that they were to take."""
    chosen: dict[str, Job] = {}
    left = [arm for arm in arms if not _has_result(*arm, recipe)]
    begun = 0
    for arm in left:
        more = {job.name: job for job in jobs_of([arm], recipe, epochs, folders) if job.name not in chosen}
        seconds = sum(job.seconds for job in (*chosen.values(), *more.values()) if not job.done())
        if budget is not None and seconds > budget:
            break
        chosen |= more
        begun += 1
    say(f"{len(arms) - len(left)} of {len(arms)} arms are in {recipe.results}; {begun} of the {len(left)} others now")
    planned_seconds = sum(job.seconds for job in chosen.values() if not job.done())
    run_jobs(list(chosen.values()), recipe.at_once, lock, say)
    return planned_seconds


def _make(recipe: PretrainedRecipe, folders: Folders, say: Callable[[str], None]) -> None:
    """Make what is not there."""
    make_missing(commands(recipe, folders), say)
    hold_out(recipe, folders)
    mixed, both = folders.data("mixed"), (str(folders.data("imagery")), str(folders.data("traces")))
    base = folders.base(0)
    made = (mixed / "dataset.json", ["mix", *both, "--out", str(mixed)])
    make_missing([made, (base / "NOTICE.txt", [*BASE, "--out", str(base)])], say)


def _make_random_bases(recipe: PretrainedRecipe, folders: Folders, say: Callable[[str], None]) -> None:
    outs = [(folders.base(seed), str(seed)) for seed in recipe.seeds if "random" in recipe.parts]
    make_missing(
        [(out / "NOTICE.txt", [*BASE, "--random", "--seed", seed, "--out", str(out)]) for out, seed in outs], say
    )


def _facts(
    recipe: PretrainedRecipe,
    computed: Mapping[str, Any],
    datasets: dict[str, DatasetFolder],
    epochs: Mapping[str, Epoch],
    folders: Folders,
) -> dict[str, Any]:
    """All that is fixed before the first run."""
    return {
        "recipe": {key: value for key, value in to_plain(recipe).items() if key not in _FREE},
        "stages": {name: _stage(name) for name in ("stage1", "stage2")},
        "epochs": {name: asdict(epoch) for name, epoch in epochs.items()},
        "data": count_overlaps(datasets, folders.data("suite"), recipe),
        "hours": dict(computed),
    }


def _stage(name: str) -> dict[str, Any]:
    told = to_plain(read_recipe(StageRecipe, HERE / f"{name}.yaml"))
    return {key: value for key, value in told.items() if key not in ("model", "data", "run")}


# --- processes ---------------------------------------------------------------------------------------------------


def jobs_of(
    arms: Sequence[tuple[int, Run]], recipe: PretrainedRecipe, epochs: Mapping[str, Epoch], folders: Folders
) -> Iterator[Job]:
    """The processes of arms; the run that one begins from is trained anew if its folder is lost."""
    for seed, run in arms:
        if run.parent is not None:
            yield _training(run.parent, seed, recipe, epochs, folders)
        yield _training(run, seed, recipe, epochs, folders)
        if run.data == "imagery":
            yield _walks(run, seed, recipe, folders)
        yield _evaluation(run, seed, recipe, folders)


def _training(run: Run, seed: int, recipe: PretrainedRecipe, epochs: Mapping[str, Epoch], folders: Folders) -> Job:
    folder = folders.run(run.name, seed)
    history = folder / "history.jsonl"
    base = folders.base(seed if run.random else 0)
    overrides: dict[str, Any] = {
        "model": folders.run(run.parent.name, seed) / "final" if run.parent else base,
        "data": folders.data(run.data),
        "run": folder,
        "epochs": repr(run.updates / epochs[run.data].updates),
        "seed": seed,
        "any_data": str(run.data == "mixed").lower(),
        "learning_rate": recipe.learning_rate,
    }
    if recipe.lora_rank is not None:
        overrides["lora"] = f"{{rank: {recipe.lora_rank}, alpha: {2 * recipe.lora_rank}}}"

    def progress() -> float:
        return history.read_bytes().count(b"\n") / run.updates if history.exists() else 0.0

    def clean() -> None:
        if progress() != 1.0:
            raise UserError(f"{folder} was to have {run.updates} updates, {history} says otherwise")
        for checkpoint in folder.glob("checkpoint-*"):
            shutil.rmtree(checkpoint)

    stage = "stage1" if run.data == "imagery" else "stage2"
    launched = ["torch.distributed.run", "--standalone", "--nproc_per_node", "1", str(ROOT / f"launch/{stage}.py")]
    command = [
        *(sys.executable, "-m", *launched, "--recipe", str(HERE / f"{stage}.yaml")),
        *(f"{key}={value}" for key, value in overrides.items()),
    ]
    return Job(
        name=f"{run.name} seed {seed}",
        command=_timed(folder.with_suffix(".cpu"), command),
        done=lambda: (folder / "final" / "idf.json").exists(),
        log=folders.log(f"train-{run.name}-seed{seed}"),
        seconds=training_seconds(run, recipe, epochs),
        needs=(f"{run.parent.name} seed {seed}",) if run.parent else (),
        before=lambda: link_tokens(folders.tokens(run.data), folder),
        after=clean,
        progress=progress,
    )


def _walks(run: Run, seed: int, recipe: PretrainedRecipe, folders: Folders) -> Job:
    out = folders.work / "walks" / f"{run.name}-seed{seed}.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    final = folders.run(run.name, seed) / "final"
    return Job(
        name=f"walks of {run.name} seed {seed}",
        command=[sys.executable, "-m", "bench.pretrained._forms", str(final), str(folders.data("walks")), str(out)],
        done=out.exists,
        log=folders.log(f"walks-{run.name}-seed{seed}"),
        seconds=walk_seconds(recipe),
        needs=(f"{run.name} seed {seed}",),
    )


def _evaluation(run: Run, seed: int, recipe: PretrainedRecipe, folders: Folders) -> Job:
    out = folders.evaluation(run.name, seed)
    out.parent.mkdir(parents=True, exist_ok=True)

    def keep() -> None:
        (out / "done").touch()  # the files of an evaluation are written one after the other
        keep_result(run, seed, recipe, folders)

    needs = (f"{run.name} seed {seed}", *([f"walks of {run.name} seed {seed}"] if run.data == "imagery" else []))
    words = [
        *(idf_command("idf-eval"), str(folders.run(run.name, seed) / "final"), "--suite", str(folders.data("suite"))),
        *("--modes", MODE, "--prompts", PROMPTS, "--max-new-tokens", str(recipe.max_new_tokens)),
        *("--batch-size", str(recipe.batch_size), "--out", str(out)),
    ]
    return Job(
        name=f"evaluation of {run.name} seed {seed}",
        command=_timed(out.with_suffix(".cpu"), words),
        done=lambda: (out / "done").exists(),
        log=folders.log(f"evaluate-{run.name}-seed{seed}"),
        seconds=evaluation_seconds(recipe),
        needs=needs,
        after=keep,
    )


def _timed(file: Path, command: list[str]) -> list[str]:
    file.parent.mkdir(parents=True, exist_ok=True)
    return [sys.executable, "-m", "bench.pretrained._timed", str(file), *command]


def _has_result(seed: int, run: Run, recipe: PretrainedRecipe) -> bool:
    path = Path(recipe.results) / f"seed{seed}.json"
    return path.exists() and run.name in json.loads(path.read_text())


def keep_result(run: Run, seed: int, recipe: PretrainedRecipe, folders: Folders) -> None:
    """Write what an arm came to, item by item, beside the seed's other arms."""
    items = read_suite(folders.data("suite"))
    out, folder = folders.evaluation(run.name, seed), folders.run(run.name, seed)
    answered = read_answers(out, items, MODE)
    history = [json.loads(line) for line in (folder / "history.jsonl").read_text().splitlines()]
    told = {
        "updates": len(history),
        "tokens": sum(row["tokens"] for row in history),
        "label_tokens": sum(row["label_tokens"] for row in history),
        "last_loss": round(sum(row["loss"] for row in history[-10:]) / len(history[-10:]), 5),
        "cpu_seconds": {
            "training": cpu_seconds(folder.with_suffix(".cpu")),
            "evaluation": cpu_seconds(out.with_suffix(".cpu")),
        },
        "rolls": [WORLDS[WORLD].size(item.problem) for item in items],
        "causes": answered.causes,
        "tokens_of_answers": answered.tokens,
        "right": answered.right,
        "steps": answered.steps,
    }
    walks = folders.work / "walks" / f"{run.name}-seed{seed}.json"
    if walks.exists():
        told["walks"] = json.loads(walks.read_text())
    path = Path(recipe.results) / f"seed{seed}.json"
    before = json.loads(path.read_text()) if path.exists() else {}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, before | {run.name: told})
