"""Low-rank adapters by peft: put into the language model, merged into plain weights on export."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

from torch import Tensor

from idf.backends import merge_adapters
from idf.errors import UserError

from .recipe import LoraRecipe

TARGETS = r".*language_model\.layers\.\d+\.(self_attn|mlp)\.\w+_proj"
"""Which layers get an adapter: every linear one of the language model's layers; none in the vision encoder, none in the head."""

_BASE, _A, _B = ".base_layer.", ".lora_A.default.weight", ".lora_B.default.weight"


def add_adapters(vlm: Any, recipe: LoraRecipe, seed: int) -> None:
    """Freeze a model and put adapters into it, in place; its class and the names of its parts stay.

    Args:
        vlm: The model.
        recipe: Rank, scale and dropout.
        seed: Seed of the adapters' random halves; the other halves are zero, so the model says what it said.
    """
    import torch
    from peft import inject_adapter_in_model

    vlm.requires_grad_(False)
    torch.manual_seed(seed)
    inject_adapter_in_model(_config(recipe), vlm)
    for name, parameter in vlm.named_parameters():
        parameter.requires_grad_(".lora_" in name)


def _config(recipe: LoraRecipe) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        r=recipe.rank, lora_alpha=recipe.alpha, lora_dropout=recipe.dropout, target_modules=TARGETS, bias="none"
    )


def merged(state: dict[str, Tensor], recipe: LoraRecipe) -> dict[str, Tensor]:
    """Weights without adapters: W + alpha / rank * B A, under the base model's names.

    Args:
        state: Weights of a model with adapters, all of them.
        recipe: As the adapters were made.
    """
    plain = {}
    for name, tensor in state.items():
        if _BASE in name:
            layer, _, part = name.partition(_BASE)
            if part == "weight":
                product = state[layer + _B].float() @ state[layer + _A].float()
                # To the CPU: on a GPU the merged copy would stand beside the weights.
                tensor = (tensor.float() + recipe.alpha / recipe.rank * product).to(tensor.dtype).cpu()
            plain[f"{layer}.{part}"] = tensor
        elif ".lora_" not in name:
            plain[name] = tensor
    return plain


def save_adapter(state: dict[str, Tensor], recipe: LoraRecipe, base: str, folder: Path) -> None:
    """Write the adapters alone, in the form that `PeftModel.from_pretrained(base, folder)` reads.

    Args:
        state: Weights of a model with adapters.
        recipe: As the adapters were made.
        base: The model that they belong to.
        folder: The folder to write.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    adapters = {
        "base_model.model." + name.replace(".default.", "."): tensor.detach().cpu().contiguous()
        for name, tensor in state.items()
        if ".lora_" in name
    }
    save_file(adapters, folder / "adapter_model.safetensors", metadata={"format": "pt"})
    config = _config(recipe)
    config.base_model_name_or_path = base
    config.inference_mode = True
    config.save_pretrained(folder)


def load_adapter(vlm: Any, folder: Path) -> None:
    """Put what `save_adapter` wrote back into a model with adapters.

    Raises:
        UserError: The folder holds other adapters.
    """
    import torch
    from safetensors.torch import load_file

    path = folder / "adapter_model.safetensors"
    if not path.exists():
        raise UserError(f"{path} is missing: is the checkpoint complete?")
    saved = load_file(path)
    own = {name: parameter for name, parameter in vlm.named_parameters() if ".lora_" in name}
    names = {name: "base_model.model." + name.replace(".default.", ".") for name in own}
    if set(names.values()) != set(saved):
        raise UserError(f"the adapters in {folder} are not those of this recipe")
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(saved[names[name]])


def merge_folder(adapter: Path, out: Path, base: str | None = None) -> int:
    """Merge an adapter folder of peft into its base model: a complete Hugging Face folder.

    Args:
        adapter: `checkpoint-<step>/adapter` of a run, or any LoRA folder that peft wrote.
        out: The folder to write.
        base: The base model, if not the one that the adapter names.

    Returns:
        Number of layers that were merged.

    Raises:
        UserError: The folder holds no adapter, the base is missing or cannot be merged into (`check_model`), `out` exists,
            adapters and base do not fit together, the adapters would change nothing, or merging would change what the
            model says with them.
    """
    from safetensors import safe_open

    from .layout import read_layout, write_model
    from .load import check_model, load_model, load_processor

    adapter, named = _find_adapter(adapter)
    if out.exists():
        raise UserError(f"{out} exists already: choose another folder, or remove it")
    base = base or named
    if not base:
        raise UserError(f"{adapter}/adapter_config.json names no base model: name it with --base")
    try:
        check_model(base)
        load_processor(base)  # a folder without one could be asked nothing
        layout = read_layout(base)
        vlm = load_model(base, precision="auto", attention="sdpa")
    except UserError as error:
        raise UserError(f"{error} (it is the base of the adapters; --base names another place)") from None
    with safe_open(adapter / "adapter_model.safetensors", framework="pt") as file:
        # Besides layers that are saved whole, what an adapter changes is its half that begins at zero.
        halves = [
            name
            for name in file.keys()  # noqa: SIM118
            if "lora_B" in name or "lora_embedding_A" in name or not re.search(r"\.(lora_\w+|base_layer)\b", name)
        ]
        if not any(bool(file.get_tensor(name).any()) for name in halves):
            raise UserError(f"the adapters of {adapter} change nothing: were they trained?")
    layers = merge_adapters(vlm, adapter, base, whole=True)
    part = out.with_name(f".{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    write_model(layout, vlm, part)
    part.rename(out)
    return layers


def _find_adapter(folder: Path) -> tuple[Path, str | None]:
    """The folder with the adapters, which may be inside of a checkpoint, and the base model that they name."""
    inside = folder / "adapter"
    found = inside if not (folder / "adapter_config.json").exists() and inside.is_dir() else folder
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        if not (found / name).exists():
            raise UserError(
                f"no adapters in {found}, which lacks {name}: name `checkpoint-<step>/adapter` of a LoRA run"
            )
    config = json.loads((found / "adapter_config.json").read_text())
    if config.get("peft_type") != "LORA":
        raise UserError(f"the adapters in {found} are of type {config.get('peft_type')}: only LoRA is merged")
    return found, config.get("base_model_name_or_path")
