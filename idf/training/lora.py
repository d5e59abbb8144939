"""Low-rank adapters by peft: put into the language model, merged into plain weights on export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import Tensor

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
