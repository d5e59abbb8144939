"""The stage's recipe inside of an XTuner config, and what of it this engine cannot do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.recipe import build_recipe
from idf.training.checkpoint import SAVING, complete_checkpoints, find_resume
from idf.training.recipe import StageRecipe

from ._errors import speak_in_sentences

ENGINE = "xtuner"


def stage_recipe(settings: Mapping[str, Any]) -> StageRecipe:
    """The `recipe` of an XTuner config, checked.

    Args:
        settings: A dict with the keys of docs/training.md.

    Raises:
        UserError: A key is wrong, or asks for what only idf's own engine does.
    """
    speak_in_sentences()
    # By way of JSON: what a config of mmengine hands on are dicts and lists of its own kind.
    recipe = build_recipe(StageRecipe, json.loads(json.dumps(settings)), "the config's `recipe`")
    refused = {
        "lora": recipe.lora is not None,
        "attention=packed": recipe.attention == "packed",  # it needs transformers 5.16
        "deepspeed=zero3": recipe.sharded,
        # XTuner hands on one learning rate, and lets ranks without pictures go past the tower.
        f"train={recipe.train}": recipe.train != "language",
        "hook.mode=inline": recipe.hook.mode == "inline",
        "resume=weights": recipe.resume != "exact",
        "wandb=True": recipe.wandb,
        # XTuner hands an optimizer of one group to DeepSpeed, so norms and biases would be decayed as well.
        "weight_decay": recipe.weight_decay != 0,
        # mmengine removes the old checkpoint before it writes the new one.
        "keep_checkpoints=1": recipe.keep_checkpoints < 2,
    }
    if asked := [key for key, is_asked in refused.items() if is_asked]:
        raise UserError(
            f"the config's `recipe` asks for {', '.join(asked)}, which idf's own engine does (launch/stage1.py, "
            "launch/stage2.py) and XTuner's does not: see docs/xtuner.md"
        )
    return recipe


def check_run(recipe: StageRecipe, fingerprint: str, ranks: int) -> None:
    """Refuse to train in a folder whose run is finished, was begun otherwise, or has lost XTuner's own state.

    Args:
        recipe: The stage's recipe.
        fingerprint: Of the data.
        ranks: How many devices there are.

    Raises:
        UserError: As above.
    """
    for part in Path(recipe.run).glob(f"{SAVING}*"):
        print(f"removing {part}: it was not written to the end, or not removed to the end", flush=True)
        shutil.rmtree(part)
    find_resume(recipe, fingerprint, ranks, first=False, engine=ENGINE)
    run = Path(recipe.run)
    if complete_checkpoints(run) and not (run / "last_checkpoint").exists():
        raise UserError(
            f"{run} holds checkpoints, but no last_checkpoint from which XTuner could go on: remove the folder, or choose "
            "another work_dir"
        )
