"""Complete Hugging Face folders: weights under the base model's names, config, tokenizer, processor, `idf.json`."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

from idf.errors import UserError
from idf.recipe import to_plain

from .recipe import StageRecipe

PREFIX = "vlm."  # StageModel holds the model under this name


def export(vlm: Any, processor: Any, state: dict[str, Any] | None, facts: dict[str, Any], out: Path) -> None:
    """Write a complete folder, file by file; the marker `idf.json` comes last.

    Args:
        vlm: The model, for its config and key names.
        processor: Its processor.
        state: Weights under the names of StageModel, if they had to be gathered; None to take the model's own.
        facts: What `idf.json` says: recipe, data hashes, parent checkpoint, versions.
        out: The folder.
    """
    out.mkdir(parents=True, exist_ok=True)
    if state is not None:
        state = {name.removeprefix(PREFIX): tensor for name, tensor in state.items()}
        if vlm.config.get_text_config().tie_word_embeddings:
            state.pop("lm_head.weight", None)  # gathered copies no longer share storage: the base has one of them
        # Loading under ZeRO-3 records renamings that saving would revert wrongly; without them it uses the model's own.
        vlm._weight_conversions = None
    vlm.save_pretrained(out, state_dict=state, safe_serialization=True)
    processor.save_pretrained(out)
    temporary = out / "idf.json.part"
    temporary.write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    os.replace(temporary, out / "idf.json")


def complete_checkpoints(run: Path) -> list[Path]:
    """The `checkpoint-<step>` folders of a run that were written to the end, oldest first."""
    found = [path for path in run.glob("checkpoint-*") if (path / "idf.json").exists() and (path / "done").exists()]
    return sorted(found, key=lambda path: int(path.name.rpartition("-")[2]))


def remove_old(run: Path, keep: int) -> None:
    """Remove all but the last `keep` complete checkpoints; a kill on the way leaves none that looks complete."""
    for path in complete_checkpoints(run)[:-keep]:
        (path / "done").unlink()
        shutil.rmtree(path)


SAME = (
    *("stage", "model", "data", "seed", "epochs", "learning_rate", "betas", "weight_decay", "warmup", "max_grad_norm"),
    *("precision", "deepspeed", "tokens_per_row", "rows_per_micro_batch", "rows_per_step"),
)
"""Keys of a recipe that a run must keep when it goes on."""


def start_or_resume(recipe: StageRecipe, fingerprint: str, ranks: int, clean: bool) -> Path | None:
    """Where to go on from: the last complete checkpoint, or None for a fresh start.

    Args:
        recipe: The recipe; `recipe.run` is the folder of the run.
        fingerprint: Of the data.
        ranks: How many there are now; DeepSpeed's state is stored in one part per rank.
        clean: Remove unfinished checkpoint folders (a kill during a save), and say so; for one rank to do.

    Raises:
        UserError: The run has finished already, or was begun with another recipe, other data or other ranks.
    """
    run = Path(recipe.run)
    if (run / "final" / "idf.json").exists():
        raise UserError(
            f"the run {run} has finished already: evaluate {run}/final with idf-eval, remove the folder, or set "
            "run=another/folder"
        )
    complete = complete_checkpoints(run)
    for path in run.glob("checkpoint-*") if clean else ():
        if path not in complete:
            print(f"removing {path}: it was not written to the end")
            shutil.rmtree(path)
    if complete:
        facts = read_facts(complete[-1]) or {}
        now = {**to_plain(recipe), "data's fingerprint": fingerprint, "ranks": ranks}
        begun = {**facts["recipe"], "data's fingerprint": facts["data"]["fingerprint"], "ranks": facts["ranks"]}
        for key in (*SAME, "data's fingerprint", "ranks"):
            if begun.get(key) != now[key]:
                raise UserError(
                    f"the run {run} was begun with {key}={begun.get(key)}, not {now[key]}: set it back, remove the "
                    "folder, or set run=another/folder"
                )
    if complete and clean:
        print(f"resuming from {complete[-1]}")
    return complete[-1] if complete else None


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
