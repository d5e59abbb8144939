"""Data, plan and processes of the study, by the commands that everybody uses."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.study._data import Folders, make_missing
from bench.study._jobs import Job, idf_command, locked, run_jobs
from bench.study._outcome import fix_plan, read_answers, write_json
from idf.data import open_dataset
from idf.evaluation import read_results
from idf.recipe import to_plain
from idf.suites import read_suite
from idf.training.stages import read_stage_recipe
from idf.worlds import WORLDS

from ._arms import START_OF, arms_of
from ._forms import forms_of
from ._recipe import HERE, ROOT, RlRecipe

MODE = "tqa"


def run_study(recipe: RlRecipe, *, plan_only: bool, say: Callable[[str], None]) -> None:
    """Run the study; killed at any moment, the same call goes on.

    Args:
        recipe: What it consists of.
        plan_only: Make the data, fix the plan and end.
        say: Prints a line.

    Raises:
        UserError: The study was begun with another plan, a scene of a suite is in the data, or a process failed.
    """
    folders = Folders(Path(recipe.work).resolve())
    results = Path(recipe.results)
    with locked(folders.work / ".lock", say) as lock:
        _make(recipe, folders, say)
        fix_plan(results / "plan.json", _facts(recipe, folders))
        jobs = _jobs(recipe, folders)
        seconds = sum(job.seconds for job in jobs)
        say(f"{len(jobs)} processes, about {seconds / 60:.0f} minutes of one core if none is done")
        if plan_only:
            return
        run_jobs(jobs, recipe.at_once, lock, say)


def _make(recipe: RlRecipe, folders: Folders, say: Callable[[str], None]) -> None:
    """Make what is not there."""
    steps: list[tuple[Path, list[str]]] = []

    def made(name: str, file: str, *words: str) -> None:
        out = folders.data(name)
        steps.append((out / file, [words[0], "--recipe", str(HERE / words[1]), "--out", str(out), *words[2:]]))

    problems = f"problems={recipe.problems}"
    made("long-candidates", "dataset.json", "traces", "traces.yaml", problems)
    made(
        "mixed-candidates",
        "dataset.json",
        "traces",
        "traces.yaml",
        problems,
        "teacher.lengths={full: 1, changes: 1, needed: 1}",
    )
    made("asked", "dataset.json", "traces", "traces.yaml", f"problems={recipe.asked}", "seed=1")
    kept = [folders.data(name) for name in ("long", "mixed")]
    for out in kept:
        words = ["filter", f"{out}-candidates", "--keep", str(recipe.kept), "--out", str(out), "level=consistent"]
        steps.append((out / "dataset.json", words))
    for name, items, seed in (("suite", recipe.items, 0), ("paired", recipe.paired, 1)):
        made(name, "suite.json", "suite", "suite.yaml", f"items={items}", f"seed={seed}")
    for seed in recipe.seeds:
        base = folders.base(seed)
        words = ["tiny", *map(str, kept), "--seed", str(seed), "--out", str(base)]
        steps.append((base / "processor_config.json", words))
    make_missing(steps, say)


def _facts(recipe: RlRecipe, folders: Folders) -> dict[str, Any]:
    """All that is fixed before the first run. (Which price is chosen follows from a rule that is.)"""
    free = ("results", "work", "at_once", "questions", "price", "seconds_a_step")
    names = ("long", "mixed", "asked")
    datasets = {name: open_dataset(folders.data(name), made_by="python -m bench.rl") for name in names}
    keys = {name: {sample.meta["key"] for sample in datasets[name].samples()} for name in names}
    suites = {name: read_suite(folders.data(name)) for name in ("suite", "paired")}
    return {
        "recipe": {key: value for key, value in to_plain(recipe).items() if key not in free},
        "stages": {
            name: {
                key: value
                for key, value in to_plain(read_stage_recipe(HERE / f"{name}.yaml")).items()
                if key not in ("model", "data", "run")
            }
            for name in ("stage2", "stage3")
        },
        "data": {
            name: {"samples": len(folder), "fingerprint": folder.fingerprint()} for name, folder in datasets.items()
        },
        "asked_that_stage_2_saw": {name: len(keys["asked"] & keys[name]) for name in ("long", "mixed")},
        "suites": {name: len(items) for name, items in suites.items()},
    }


# --- processes ---------------------------------------------------------------------------------------------------


def _jobs(recipe: RlRecipe, folders: Folders) -> list[Job]:
    """All processes, one question after the other; what two questions share is there once, what has a result not at all."""
    steps = read_stage_recipe(HERE / "stage3.yaml").steps  # type: ignore[union-attr]
    found: dict[str, Job] = {}
    for question in recipe.questions:
        start, suite = START_OF[question], "paired" if question == "price" else "suite"
        for seed in recipe.seeds:
            kept, chosen = _kept(recipe, seed), _chosen(folders, seed, start)
            arms = [arm for arm in arms_of(recipe, question, seed) if f"{arm.name} {suite}" not in kept]
            jobs = []
            if f"{start} {suite}" not in kept:
                jobs.append(_evaluation(recipe, folders, seed, start, suite, chosen))
            for arm in arms:
                training = _training(
                    *(folders, seed, arm.name, "stage3", chosen, folders.data("asked"), arm.overrides),
                    needs=(f"{start} seed {seed}",),
                    seconds=recipe.seconds_a_step * steps,
                )
                final = folders.run(arm.name, seed) / "final"
                jobs += [training, _evaluation(recipe, folders, seed, arm.name, suite, final)]
            for job in [_start(recipe, folders, seed, start), *jobs] if jobs else []:
                found.setdefault(job.name, job)
    return list(found.values())


def _kept(recipe: RlRecipe, seed: int) -> dict[str, Any]:
    """What is in a seed's file of results: arms that need no work folder any more."""
    path = Path(recipe.results) / f"seed{seed}.json"
    return dict(json.loads(path.read_text())) if path.exists() else {}


def _training(
    folders: Folders,
    seed: int,
    name: str,
    stage: str,
    model: Path,
    data: Path,
    overrides: tuple[str, ...],
    needs: tuple[str, ...] = (),
    seconds: float = 200.0,
) -> Job:
    folder = folders.run(name, seed)
    return Job(
        name=f"{name} seed {seed}",
        command=[
            *(sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "1"),
            *(str(ROOT / "launch" / f"{stage}.py"), "--recipe", str(HERE / f"{stage}.yaml")),
            *(f"model={model}", f"data={data}", f"run={folder}", f"seed={seed}", *overrides),
        ],
        done=lambda: (folder / "final" / "idf.json").exists(),
        log=folders.log(f"{name}-seed{seed}"),
        seconds=seconds,
        needs=needs,
    )


def _start(recipe: RlRecipe, folders: Folders, seed: int, start: str) -> Job:
    """Stage 2 from the seed's base model: whole, or until it is half learned."""
    data, run = folders.data("mixed" if start == "mixed" else "long"), folders.run(start, seed)
    whole = ("epochs=1.5",) if start == "mixed" else ()
    job = _training(folders, seed, start, "stage2", folders.base(seed), data, whole)
    if start == "mixed":
        return replace(job, after=lambda: _link(run, "final"))
    until = [sys.executable, "-m", "bench.rl._until", str(run), str(recipe.stopped_from), str(recipe.stopped_to)]
    hook = ("mode=inline", f"items={recipe.validation}", "worlds=[cube_rolling]", "difficulties=[easy]", "modes=[tqa]")
    words = [*until, *job.command, *(f"hook.{key}" for key in hook)]
    return replace(job, command=words, done=lambda: (run / "chosen").is_symlink())


def _link(run: Path, name: str) -> None:
    if not (run / "chosen").is_symlink():
        os.symlink(name, run / "chosen")


def _chosen(folders: Folders, seed: int, start: str) -> Path:
    return folders.run(start, seed) / "chosen"


def _evaluation(recipe: RlRecipe, folders: Folders, seed: int, name: str, suite: str, checkpoint: Path) -> Job:
    out = folders.evaluation(f"{name}-{suite}", seed)

    def keep() -> None:
        (out / "done").touch()  # the files of an evaluation are written one after the other
        keep_results(recipe, folders, seed)

    items = recipe.paired if suite == "paired" else recipe.items
    return Job(
        name=f"evaluation of {name} seed {seed} on {suite}",
        command=[
            *(idf_command("idf-eval"), str(checkpoint), "--suite", str(folders.data(suite)), "--modes", MODE),
            *("--prompts", "idf-short-1", "--max-new-tokens", "160", "--out", str(out)),
        ],
        done=lambda: (out / "done").exists(),
        log=folders.log(f"evaluate-{name}-{suite}-seed{seed}"),
        seconds=20 + 0.1 * items,
        needs=(f"{name} seed {seed}",),
        after=keep,
    )


def keep_results(recipe: RlRecipe, folders: Folders, seed: int) -> None:
    """Write what the arms of a seed that are done came to, item by item."""
    items = {name: read_suite(folders.data(name)) for name in ("suite", "paired")}
    told: dict[str, Any] = {
        "rolls": {
            name: [WORLDS[item.problem.world].size(item.problem) for item in found] for name, found in items.items()
        }
    }
    for question in recipe.questions:
        start, suite = START_OF[question], "paired" if question == "price" else "suite"
        for name in (start, *(arm.name for arm in arms_of(recipe, question, seed))):
            out = folders.evaluation(f"{name}-{suite}", seed)
            if not (out / "done").exists():
                continue
            answered = read_answers(out, items[suite], MODE)
            told[f"{name} {suite}"] = {
                "causes": answered.causes,
                "tokens": answered.tokens,
                "seconds_of_evaluation": read_results(out)["run"]["seconds"],
                **_of_training(folders, name, seed),
            }
            if question == "price":
                told[f"{name} {suite}"]["forms"] = forms_of(out, [item.id for item in items[suite]], MODE)
    write_json(Path(recipe.results) / f"seed{seed}.json", _kept(recipe, seed) | told)


def _of_training(folders: Folders, name: str, seed: int) -> dict[str, Any]:
    """What is known of a run: how long it took, and the course of its rollouts."""
    lines = (folders.run(name, seed) / "history.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    told: dict[str, Any] = {"steps": len(rows), "seconds": round(sum(row["seconds"] for row in rows), 1)}
    if "reward" in rows[0]:
        course = ("reward", "right", "completion_tokens", "entropy", "silent", "cut_off")
        told["course"] = {key: [round(row[key], 5) for row in rows] for key in course}
    else:
        told["stopped_at"] = os.readlink(_chosen(folders, seed, name)).rpartition("/")[2]
    return told
