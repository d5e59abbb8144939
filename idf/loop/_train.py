"""The training of a round: torchrun and a stage's script, as a user would start them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from idf.errors import UserError
from idf.processes import end_with
from idf.training.recipe import StageRecipe

_PACKAGE = Path(__file__).parent.parent


def find_script(stage: str) -> Path:
    """The launch script of a stage: inside of an installed package, beside it in a clone.

    Args:
        stage: "stage2" or "stage3".

    Raises:
        UserError: There is none.
    """
    places = [_PACKAGE / "launch" / f"{stage}.py", _PACKAGE.parent / "launch" / f"{stage}.py"]
    for place in places:
        if place.is_file():
            return place
    raise UserError(f"this idf has no launch script {stage}.py (looked for {places[0]} and {places[1]})")


def train(stage: str, recipe: str, overrides: Sequence[str], nproc: int, run: Path) -> Path:
    """Run a stage to its end; a stopped run resumes from its last checkpoint.

    Args:
        stage: "stage2" or "stage3".
        recipe: The stage's recipe, a file or `idf:NAME`.
        overrides: Changes to it, `run` among them.
        nproc: Processes.
        run: The run's folder.

    Returns:
        The final checkpoint.

    Raises:
        UserError: It failed, or was stopped before its end.
    """
    final = run / "final"
    if not (final / "idf.json").exists():  # a checkpoint gets its name when it is whole
        torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", str(nproc)]
        command = [*torchrun, str(find_script(stage)), "--recipe", recipe, *overrides]
        # A clone that is not installed is found by its scripts too.
        path = os.pathsep.join(filter(None, (str(_PACKAGE.parent), os.environ.get("PYTHONPATH", ""))))
        status = subprocess.call(
            command, env=os.environ | {"PYTHONPATH": path}, preexec_fn=partial(end_with, os.getpid())
        )
        if status:
            raise UserError(f"training in {run} ended with status {status}: what it said stands above")
    if not (final / "idf.json").exists():
        raise UserError(f"training in {run} was stopped before its end: start the same command again to go on")
    return final


def epochs_for(updates: int, recipe: StageRecipe) -> float:
    """The epochs that make a number of optimizer steps on a recipe's data.

    Args:
        updates: How many steps.
        recipe: Stage 2's recipe, with its data and a model whose tokens count.

    Raises:
        UserError: The data cannot be trained on.
    """
    from idf.training.dataset import steps_in_run
    from idf.training.survey import survey

    rows = survey(recipe).work.rows
    epochs = updates / steps_in_run(rows, replace(recipe, epochs=1.0))
    if (steps := steps_in_run(rows, replace(recipe, epochs=epochs))) != updates:
        raise AssertionError(f"{epochs} epochs of {rows} rows are {steps} steps, not {updates}")
    return epochs
