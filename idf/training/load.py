"""Finding and loading models: a local folder or a hub name; on the meta device for a dry run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from idf.backends import check_base, check_loaded, is_hub_name, untie_if_head_differs, without_weights
from idf.errors import UserError

from .attention import PACKED, register
from .families import check_family
from .hub import base_folder
from .lora import add_adapters, load_adapter
from .model import checkpoint_tower, freeze_vision
from .recipe import Train
from .shapes import SHAPES
from .stages import AnyStage
from .versions import readable


def load_processor(name: str) -> Any:
    """The processor (tokenizer, image processor, chat template) of a model folder or hub name.

    Raises:
        UserError: The folder is missing, holds no processor, or the hub cannot be reached.
    """
    _check_folder(name)
    from transformers import AutoProcessor

    folder = Path(name)
    if folder.is_dir() and not any(
        (folder / file).exists() for file in ("processor_config.json", "preprocessor_config.json")
    ):
        raise UserError(
            f"{name} holds no processor (preprocessor_config.json, tokenizer, chat template): copy those files from "
            "the base model, or name a folder that `final/` of a run wrote"
        )
    try:
        with readable(name) as source:
            return AutoProcessor.from_pretrained(source)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot load the processor of {name}: {_first_line(error)}") from None


def load_model(name: str, *, precision: str, attention: str, **options: Any) -> Any:
    """A vision-language model with all its weights.

    Args:
        name: A local folder or a hub name.
        precision: "bf16", "fp32", or "auto": as the files have it.
        attention: Implementation of attention.
        options: Passed to `from_pretrained`.

    Raises:
        UserError: It cannot be found, is of none of the three families, or its files lack some weights (they would train
            from random numbers).
    """
    _check_folder(name)
    import torch
    from safetensors import SafetensorError
    from transformers import AutoConfig, AutoModelForImageTextToText

    check_family(_config_of(name).model_type, of=name)
    if attention == PACKED:
        register()
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32, "auto": "auto"}[precision]
    options |= {"dtype": dtype, "attn_implementation": attention, "use_safetensors": True}
    options |= {"output_loading_info": True, "ignore_mismatched_sizes": True}  # refused below, in one sentence
    try:
        with readable(name) as source:
            config = untie_if_head_differs(AutoConfig.from_pretrained(source), source)
            model, info = AutoModelForImageTextToText.from_pretrained(source, config=config, **options)
    except (OSError, ValueError, SafetensorError) as error:
        raise UserError(f"cannot load the model {name}: {_first_line(error)}") from None
    check_loaded(info, name)
    return model


def check_model(name: str, fetched: bool = False) -> None:
    """Refuse a model that cannot be trained as it lies there, before anything is encoded; no weight is read.

    Of a known hub name, which is whole, nothing is asked: a plan needs no network.

    Args:
        name: A local folder or a hub name.
        fetched: Whether all that the hub has of it lies in the cache.

    Raises:
        UserError: It is not there, of none of the three families, quantised, holds no safetensors, lacks weights, or has some
            of another shape than its config says.
    """
    _check_folder(name)
    if name in SHAPES and not fetched:
        return
    with readable(str(base_folder(name)) if fetched else name) as source:
        check_family(_config_of(name).model_type, of=name)
        check_base(name, source=source)


def load_trainable(recipe: AnyStage, resume: Path | None) -> Any:
    """The model of a stage, ready to train: frozen where it does not learn, with adapters if the recipe says so.

    Args:
        recipe: The stage's recipe.
        resume: The checkpoint to go on from; None to begin from `recipe.model`.
    """
    # A checkpoint of a LoRA run holds merged weights: what goes on are the base and the adapters beside them.
    whole = resume is not None and recipe.lora is None
    source = str(resume) if whole else recipe.model
    vlm = load_model(source, precision=recipe.precision, attention=recipe.attention)
    make_trainable(vlm, recipe)
    if recipe.lora is not None and resume is not None:
        load_adapter(vlm, resume / "adapter")
    return vlm


def make_trainable(vlm: Any, recipe: AnyStage) -> None:
    """Freeze a model where a stage does not train it, put in adapters if the recipe says so, and turn on checkpointing.

    Args:
        vlm: The model; it is changed.
        recipe: The stage's recipe.
    """
    if recipe.lora is None:
        freeze_vision(vlm, recipe.train)
    else:
        add_adapters(vlm, recipe.lora, recipe.seed)
    if recipe.gradient_checkpointing:
        vlm.model.language_model.gradient_checkpointing_enable({"use_reentrant": False})
        if recipe.train == "all":
            checkpoint_tower(vlm)


def random_model(config: Any, *, precision: str, attention: str, device: str, seed: int = 0) -> Any:
    """A vision-language model with random weights, made where it is used: the host's memory never holds it.

    Under ZeRO-3 it is sharded as it is made, as transformers shards what it loads.

    Args:
        config: Its Hugging Face configuration.
        precision: "bf16" or "fp32".
        attention: Implementation of attention.
        device: "cpu" or "cuda".
        seed: Seed of the weights.
    """
    import torch
    from transformers import AutoModelForImageTextToText

    if attention == PACKED:
        register()
    dtype = {"bf16": torch.bfloat16, "fp32": torch.float32}[precision]
    torch.manual_seed(seed)
    with torch.device(device):
        vlm = AutoModelForImageTextToText.from_config(config, dtype=dtype, attn_implementation=attention)
    return vlm


def meta_model(name: str, train: Train = "language") -> Any:
    """The model of a name on the meta device, frozen where it does not learn: shapes without memory or weights.

    Args:
        name: A local folder, a known name or a hub name.
        train: What learns.

    Raises:
        UserError: The name is neither a local folder, nor one of the known shapes, nor on the hub; or the model is of none
            of the three families.
    """
    _check_folder(name)
    from transformers import AutoConfig

    config = AutoConfig.for_model(**SHAPES[name]) if name in SHAPES else _config_of(name)
    check_family(config.model_type, of=name)
    vlm = without_weights(config)
    freeze_vision(vlm, train)
    return vlm


def _config_of(name: str) -> Any:
    from transformers import AutoConfig

    try:
        with readable(name) as source:
            return untie_if_head_differs(AutoConfig.from_pretrained(source), source)
    except (OSError, ValueError) as error:
        raise UserError(f"cannot find the shape of {name}: {_first_line(error)}") from None


def _check_folder(name: str) -> None:
    """A path that looks local must exist: else the hub would be asked for it."""
    if not is_hub_name(name) and not (Path(name) / "config.json").exists():
        stage1 = "; stage 2 begins from it, so run `torchrun launch/stage1.py` first" if "stage1" in name else ""
        raise UserError(f"no model in {name}{stage1}")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
