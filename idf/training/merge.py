"""`idf merge`: a folder of adapters and its base, written as one complete model."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from idf.backends import merge_adapters
from idf.errors import UserError

from .layout import read_layout, write_model
from .load import check_model, load_model, load_processor


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
