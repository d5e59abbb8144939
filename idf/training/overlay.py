"""A complete folder without saving a model: the base's own files, with what was learned put in the place of what was there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from idf.backends import share_weights
from idf.errors import UserError

from .hub import BESIDE_WEIGHTS, PATTERNS


def base_folder(model: str) -> Path:
    """Where the files of a base model lie: its own folder, or the cache of the hub, from which it was loaded."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=PATTERNS))


def overlay(base: Path, vlm: nn.Module, facts: Mapping[str, Any], out: Path) -> None:
    """Write a complete folder: the base's files, in which every learned tensor is replaced; `idf.json` comes last.

    So names, shards, config, tokenizer and processor are the base's, and what is frozen is the base's to the bit. Learned
    tensors take the dtype that the base has, since its config names it.

    Args:
        base: The folder of the base model.
        vlm: The trained model; its parameters must be whole (no ZeRO-3).
        facts: What `idf.json` says.
        out: An empty folder.

    Raises:
        UserError: Base and model do not hold the same tensors.
    """
    for path in base.iterdir():
        if path.is_file() and path.suffix in BESIDE_WEIGHTS and path.name != "idf.json":
            shutil.copyfile(path, out / path.name)
    if not share_weights(vlm):
        _say_untied(out / "config.json")
    shards = sorted(base.glob("*.safetensors"))
    with_names = {key: shard for shard in shards for key in _keys(shard)}
    # A tied tensor has two names; files hold one of them, or both.
    weights = {
        _name_in_files(name, with_names): tensor for name, tensor in vlm.named_parameters(remove_duplicate=False)
    }
    if unknown := sorted(with_names.keys() - weights.keys()):
        raise UserError(f"{base} holds {unknown[0]}, which the trained model does not have: nothing was exported")
    held = {id(weights[key]) for key in with_names}
    if lost := sorted(name for name, tensor in weights.items() if id(tensor) not in held):
        raise UserError(f"{base} has no place for {lost[0]} of the trained model: nothing was exported")
    for shard in shards:
        with safe_open(shard, framework="pt") as file:
            tensors = {key: _replaced(file.get_tensor(key), weights[key], key) for key in file.keys()}  # noqa: SIM118
        save_file(tensors, out / shard.name, metadata={"format": "pt"})
    (out / "idf.json").write_text(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")


def _say_untied(path: Path) -> None:
    """Let a config that says "tied" of two tensors say otherwise: a reader that goes by it would drop the head."""
    config = json.loads(path.read_text())
    parts = [part for part in (config, config.get("text_config", {})) if part.get("tie_word_embeddings")]
    for part in parts:
        part["tie_word_embeddings"] = False
    if parts:
        path.write_text(json.dumps(config, indent=2, ensure_ascii=False) + "\n")


def _keys(shard: Path) -> list[str]:
    with safe_open(shard, framework="pt") as file:
        return list(file.keys())


def _name_in_files(name: str, known: Mapping[str, Path]) -> str:
    """A parameter's name as files have it: Qwen2-VL's and Qwen2.5-VL's are older than the names in memory."""
    older = name.replace("model.language_model.", "model.", 1).replace("model.visual.", "visual.", 1)
    return older if older in known else name


def _replaced(of_base: Tensor, trained: Tensor, key: str) -> Tensor:
    if not trained.requires_grad:
        return of_base
    if trained.shape != of_base.shape:
        raise UserError(
            f"{key} has the shape {tuple(of_base.shape)} in the base, but {tuple(trained.shape)} in training"
        )
    return trained.detach().to("cpu", of_base.dtype, copy=True).contiguous()
