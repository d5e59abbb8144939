"""Checkpoints: complete Hugging Face folders that appear by one rename, and where a run is resumed from."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.recipe import differences

from .recipe import TrainingRecipe
from .whole import damage, flush_folder, lacks

SAVING = ".saving-"  # what a checkpoint is called until it is whole
FINAL = "final"  # the last one, which nobody resumes from
NAME = re.compile(r"checkpoint-\d+")
STATE = "state"  # what is needed to resume: optimizer, random numbers, progress


def saving_folder(run: Path, name: str) -> Path:
    """An empty folder for a checkpoint in the making; for one rank to ask for."""
    folder = run / f"{SAVING}{name}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def publish(run: Path, name: str) -> Path:
    """Give a finished checkpoint its name, by one rename, then name it in `latest`; for one rank to do."""
    folder = run / name
    os.rename(run / f"{SAVING}{name}", folder)
    part = run / ".latest"
    part.write_text(f"{name}\n")
    os.replace(part, run / "latest")
    flush_folder(run)
    return folder


def complete_checkpoints(run: Path) -> list[Path]:
    """The `checkpoint-<step>` folders of a run, oldest first. They appear by one rename, so each of them is whole."""
    found = [path for path in run.glob("checkpoint-*") if NAME.fullmatch(path.name) and (path / "idf.json").exists()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def remove_old(run: Path, keep: int, best: str | None) -> None:
    """Remove all but the last `keep` checkpoints and the best one; a kill on the way leaves none that looks complete."""
    for path in complete_checkpoints(run)[:-keep]:
        if path.name != best:
            gone = run / f"{SAVING}{path.name}"
            os.rename(path, gone)
            # On a network file system what somebody still reads cannot go yet; it goes when the run next begins.
            shutil.rmtree(gone, ignore_errors=True)


def newest_whole(complete: list[Path], weights_alone: bool, first: bool, otherwise: str = "") -> Path:
    """The newest checkpoint that is whole; damaged ones after it are told, and set aside under another name.

    Args:
        complete: Checkpoints, oldest first; at least one.
        weights_alone: Whether a checkpoint without its `state/` will do.
        first: Whether this rank sets aside and speaks.
        otherwise: What else than putting `state/` back would help, for the message.

    Raises:
        UserError: None is whole, or the newest one lacks `state/` and that is needed.
    """
    found: list[tuple[Path, str]] = []
    for path in reversed(complete):
        pruned = lacks(path, STATE)
        wrong = damage(path, without=STATE if pruned else None)
        if pruned and not weights_alone:
            raise UserError(
                f"{path} has no {STATE}/ (was it removed to save disk space?), which holds the optimizer's moments and the "
                f"random numbers: put it back, or {otherwise or f'begin another run with model={path}'}"
            )
        if wrong is None:
            for bad, why in found if first else ():
                aside = bad.with_name(f"damaged-{bad.name}")
                shutil.rmtree(aside, ignore_errors=True)
                os.rename(bad, aside)
                print(f"{bad} is damaged ({why}): it is now {aside.name}, and the run goes back to {path.name}")
            return path
        found.append((path, wrong))
    told = "; ".join(f"{path}: {why}" for path, why in found)
    raise UserError(
        f"no checkpoint of the run is whole ({told}): remove the run's folder to begin anew, or choose another run="
    )


def find_resume(recipe: TrainingRecipe, fingerprint: str, ranks: int, first: bool, engine: str = "idf") -> Path | None:
    """Where to resume from: the last checkpoint, or None for a fresh start.

    Args:
        recipe: The recipe; `recipe.run` is the folder of the run.
        fingerprint: Of the data.
        ranks: How many there are now; DeepSpeed's state is stored in one part per rank.
        first: Whether this rank removes what an interrupted save left, and speaks.
        engine: What trains: each engine resumes from its own state alone.

    Raises:
        UserError: The run has finished already, or was begun with another recipe, other data or other ranks.
    """
    run = Path(recipe.run)
    if (run / "final" / "idf.json").exists():
        raise UserError(
            f"the run {run} has finished already: evaluate {run}/final with idf-eval, remove the folder, or set "
            "run=another/folder"
        )
    for path in run.glob(f"{SAVING}*") if first else ():
        print(f"removing {path}: it was not written to the end, or not removed to the end")
        shutil.rmtree(path)
    complete = complete_checkpoints(run)
    if not complete:
        return None
    exact_alone = recipe.stage == "reinforcement"  # it has no resume=weights to offer
    otherwise = (
        "say resume=weights to resume from its weights, step, data order and schedule, with moments that begin at zero"
    )
    last = newest_whole(complete, recipe.resume == "weights", first, "" if exact_alone else otherwise)
    facts = read_facts(last) or {}
    told = {
        "engine": (facts.get("engine", "idf"), engine),
        **{
            change.key: (change.begun, change.now)
            for change in differences(recipe, facts["recipe"])
            if not change.may_change
        },
        "data's fingerprint": (facts["data"]["fingerprint"], fingerprint),
    }
    if other := [f"{key}={begun}, not {now}" for key, (begun, now) in told.items() if begun != now]:
        raise UserError(
            f"the run {run} was begun with {'; '.join(other)}: set it back, remove the folder, or set run=another/folder "
            f"(model={last} would begin there with these weights)"
        )
    changed = [f"{key}={now} instead of {begun}" for key, begun, now in _resharded(recipe, facts, ranks)]
    if changed and exact_alone:
        raise UserError(
            f"the run {run} would resume with {', '.join(changed)}, and stage 3's state fits only what wrote it: resume with "
            f"what it was begun with, or begin another run with model={last}"
        )
    if changed and recipe.resume == "exact":
        raise UserError(
            f"the run {run} would resume with {', '.join(changed)}. What carries over is the weights, the step, the order "
            "of the data and the learning rate's schedule; the optimizer's moments do not (ZeRO stores one part for each "
            "rank). Say resume=weights to resume so, or resume with what it was begun with"
        )
    if first:
        print(f"resuming from {last}")
        if changed:
            print(
                f"with {', '.join(changed)}: weights, step, data order and schedule carry over; Adam's moments begin at zero"
            )
    return last


def carries_moments(recipe: TrainingRecipe, facts: dict[str, Any], ranks: int) -> bool:
    """Whether the optimizer's state of a checkpoint fits the run that is resumed."""
    return not _resharded(recipe, facts, ranks)


def _resharded(recipe: TrainingRecipe, facts: dict[str, Any], ranks: int) -> list[tuple[str, Any, Any]]:
    """Key, old and new value of what decides how the optimizer's state lies on disk: the keys marked so, and the ranks."""
    changes = [change for change in differences(recipe, facts["recipe"]) if change.may_change == "weights"]
    found = [(change.key, change.begun, change.now) for change in changes]
    return found + ([("ranks", facts["ranks"], ranks)] if facts["ranks"] != ranks else [])


def read_facts(folder: Path) -> dict[str, Any] | None:
    """What `idf.json` of a checkpoint says, or None if it is no checkpoint of ours (a base model).

    Raises:
        UserError: The file is broken.
    """
    path = folder / "idf.json"
    if not path.exists():
        return None
    try:
        facts: dict[str, Any] = json.loads(path.read_text())
        facts["recipe"]["max_pixels"], facts["stage"], facts["step"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is broken ({type(error).__name__} {error}): is the checkpoint complete?") from None
    return facts
