"""Complete Hugging Face folders out of a run of XTuner: the base model's own files, with what was learned put in."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mmengine.dist import barrier
from mmengine.hooks import Hook
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from idf.errors import UserError
from idf.training.checkpoint import publish, remove_old, saving_folder
from idf.training.stage import checkpoint_facts, find_data

from ._model import bare
from ._recipe import ENGINE, stage_recipe

BESIDE_WEIGHTS = (".json", ".jinja", ".txt", ".model")
"""Config, tokenizer, processor and chat template of a model folder."""


class ExportHook(Hook):  # type: ignore[misc]
    """Writes `checkpoint-<step>/` beside each checkpoint of XTuner, and `final/` at the end.

    XTuner's own checkpoints are for going on. Under DeepSpeed they lack the frozen tensors, and so does what
    `xtuner convert pth_to_hf` makes of them.

    Args:
        recipe: The stage's recipe, as a dict.
    """

    priority = "LOWEST"  # after CheckpointHook: where a folder stands, the run can go on

    def __init__(self, recipe: Mapping[str, Any]) -> None:
        self.recipe = stage_recipe(recipe)

    def before_train(self, runner: Any) -> None:
        """Gather what `idf.json` will say."""
        self.facts = checkpoint_facts(self.recipe, find_data(self.recipe)) | {"engine": ENGINE}
        self.facts["versions"] |= {name: version(name) for name in ("xtuner", "mmengine")}
        self.facts["ranks"] = runner.world_size

    def after_train_iter(self, runner: Any, batch_idx: int, data_batch: Any = None, outputs: Any = None) -> None:
        """Export where XTuner saves, but at the last step, which becomes `final/`."""
        step, rest = divmod(batch_idx + 1, self.recipe.accumulation_steps(runner.world_size))
        if not rest and step % self.recipe.save_steps == 0 and batch_idx + 1 < runner.max_iters:
            self._export(runner, f"checkpoint-{step}", step)

    def after_train(self, runner: Any) -> None:
        """Export the trained model."""
        self._export(runner, "final", runner.max_iters // self.recipe.accumulation_steps(runner.world_size))

    def _export(self, runner: Any, name: str, step: int) -> None:
        if runner.rank == 0:
            run = Path(self.recipe.run)
            part = saving_folder(run, name)
            write_folder(
                base_folder(self.recipe.model), bare(runner.model).stage.vlm, self.facts | {"step": step}, part
            )
            shutil.rmtree(run / name, ignore_errors=True)  # of a step that was done again after a kill
            publish(run, name)
            remove_old(run, self.recipe.keep_checkpoints, best=None)
            print(f"{run / name} is a complete Hugging Face folder", flush=True)
        barrier()


def base_folder(model: str) -> Path:
    """Where the files of a base model lie: its own folder, or the cache of the hub, from which it was loaded."""
    if Path(model).is_dir():
        return Path(model)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(model, allow_patterns=[f"*{kind}" for kind in (*BESIDE_WEIGHTS, ".safetensors")]))


def write_folder(base: Path, vlm: nn.Module, facts: Mapping[str, Any], out: Path) -> None:
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


def _keys(shard: Path) -> Iterable[str]:
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
