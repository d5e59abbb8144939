"""The parts that both launch scripts share: facts, dry run, errors as one sentence."""

from __future__ import annotations

import errno
import logging
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from idf.data import DatasetFolder
from idf.errors import RankError, UserError
from idf.extras import require
from idf.gpus import why_no_gpu
from idf.recipe import to_plain
from idf.version import VERSION

from .checkpoint import read_facts
from .failure import tell_failure
from .loss_guard import stop_signal
from .quiet import silence_libraries
from .recipe import StageRecipe, TrainingRecipe


def run_stage(story: Callable[[], None]) -> None:
    """Run a launch script's story; a UserError becomes one sentence and exit status 1, a signal a saved run and 0.

    The process leaves without Python's own clearing up: loader workers leave signals alone (see `trainer.py`), so it would
    wait for them forever, and torchrun with it. Without a parent they end by themselves.
    """
    stop_signal()
    silence_libraries()
    logging.getLogger("deepspeed").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore", category=FutureWarning)
    status = 1
    try:
        story()
        status = 0
    except SystemExit as ending:  # argparse: --help, or a wrong option
        status = ending.code if isinstance(ending.code, int) else 1
    except UserError as error:
        first = int(os.environ.get("LOCAL_RANK", "0")) == 0
        tell_failure(str(error), shown=isinstance(error, RankError) or first)  # once on every node
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            traceback.print_exc()
            tell_failure(_in_one_line(error), shown=False)
        else:
            where = f" while writing {error.filename}" if error.filename else ""
            tell_failure(f"the disk is full{where}: make room and start the same command again")
    except KeyboardInterrupt:
        tell_failure("interrupted before the first step: start the same command again")
        status = 128 + signal.SIGINT
    except Exception as error:
        traceback.print_exc()
        tell_failure(_in_one_line(error), shown=False)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _in_one_line(error: Exception) -> str:
    """What torchrun's summary says of a traceback that is printed above."""
    return f"{type(error).__name__}: {' '.join(str(error).split())[:500]} (the traceback of this rank is above)"


def check_installed(recipe: TrainingRecipe, only_checked: bool = False) -> None:
    """Refuse to begin where a package is missing that the recipe needs.

    Args:
        recipe: The recipe.
        only_checked: Whether nothing is trained (`--dry-run`).

    Raises:
        UserError: One is missing; the extra that installs it is named.
    """
    needed = needed_modules(recipe) if not only_checked else DRY_RUN
    extra = "rl" if recipe.stage == "reinforcement" else "train"
    require("training" if not only_checked else "--dry-run", extra, *needed)


DRY_RUN = ("torch", "torchvision", "transformers")
"""The modules that a dry run needs."""


def needed_modules(recipe: TrainingRecipe) -> tuple[str, ...]:
    """The modules that training by a recipe needs."""
    needed = [*DRY_RUN, "accelerate", "datasets", "xxhash"]
    needed += ["peft"] if recipe.lora is not None else []
    needed += ["deepspeed"] if recipe.deepspeed is not None else []
    needed += ["trl"] if recipe.stage == "reinforcement" else []
    needed += ["wandb"] if recipe.wandb else []
    return tuple(needed)


def check_device(recipe: TrainingRecipe) -> None:
    """Refuse a recipe for GPUs on a machine where torch has none.

    Raises:
        UserError: There is no GPU, or the driver is too old for torch; what would help.
    """
    if recipe.device == "gpu" and (why := why_no_gpu()):
        raise UserError(
            f"this recipe trains {recipe.model} on GPUs, which does not work here: {why}. See the whole pipeline work on a "
            "tiny model with `bash launch/quickstart.sh`, or check this recipe with --dry-run"
        )


def checkpoint_facts(recipe: TrainingRecipe, data: DatasetFolder) -> dict[str, Any]:
    """What `idf.json` says of every checkpoint of the run: all that `idf reproduce` needs to repeat it."""
    parent = read_facts(Path(recipe.model)) if Path(recipe.model).is_dir() else None
    packages = (
        "torch",
        "transformers",
        "accelerate",
        "deepspeed",
        "peft",
        *(["trl"] if recipe.stage == "reinforcement" else []),
    )
    manifest = data.manifest
    return {
        "stage": recipe.stage,
        "recipe": to_plain(recipe),
        "data": {
            "folder": recipe.data,
            "samples": len(data),
            "fingerprint": data.fingerprint(),
            "made": {key: manifest.get(key) for key in ("stage", "recipe", "seed", "source", "versions")},
        },
        "parent": {
            "model": recipe.model,
            "revision": _hub_revision(recipe.model),
            "stage": parent["stage"] if parent else None,
            "step": parent and parent["step"],
            "facts": parent,
        },
        "ranks": int(os.environ.get("WORLD_SIZE", "1")),
        "versions": {"idf": VERSION} | {name: _version(name) for name in packages},
    }


def _version(name: str) -> str | None:
    """The version of a package; None where it is not installed, since not every recipe needs it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _hub_revision(model: str) -> str | None:
    """The commit of a hub model as it lies in the cache; None for a local folder."""
    if Path(model).is_dir():
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(model, "config.json")  # .../snapshots/<commit>/config.json
    return Path(found).parent.name if isinstance(found, str) else None


def dry_run(recipe: StageRecipe, recipe_path: Path | None = None) -> None:
    """Check recipe and data, count parameters and steps; needs neither GPU, weights nor network.

    Args:
        recipe: The recipe.
        recipe_path: Its file, beside which that of the parent run may lie.

    Raises:
        UserError: The data is missing or cannot be trained on.
    """
    from .survey import survey

    print(survey(recipe, recipe_path).text)
