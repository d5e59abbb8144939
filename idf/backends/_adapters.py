"""Low-rank adapters of peft, merged into a model's weights: exactly, or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from idf.errors import UserError

from ._base import say_untied, share_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

MODULE_TOLERANCE = {"float32": 1e-5, "float16": 2.0**-9, "bfloat16": 2.0**-6}
"""How far a merged layer's output, computed in fp32, may lie from what the layer said with its adapter: the largest difference
over the largest output, by the type of its weights. peft rounds BA to that type, and then W + BA: each by at most 2^-9 of a
number in bf16, which keeps 8 bits. In a sum over many inputs such roundings cancel in part (measured: 0.0027); in an embedding
they do not (0.0052, where BA is as large as W). The tolerance is four times 2 x 2^-9; fp16 keeps 3 bits more. fp32 has room
for sums in another order (5e-7)."""

MODEL_TOLERANCE = {"float32": 1e-4, "float16": 2.0**-6, "bfloat16": 2.0**-3}
"""The same of the whole model's logits, root mean square over root mean square: each layer adds its own rounding. Measured on
small random models in bf16: 0.017 with 4 layers, 0.030 with 64; an adapter in both of two tied tensors gives 0.5 to 10."""


def merge_adapters(model: Any, folder: Path, base: str, *, whole: bool = False) -> int:
    """Merge the adapters of a folder into a model in memory, in place.

    A tensor that an adapted layer shares with another layer (head and embedding, where they are tied) is split first, since the
    adapter belongs to one of them; if the two still hold the same numbers afterwards they are tied again, and if not, the
    model's config says so. Each adapted layer must say on random numbers what it said with its adapter, and so must
    head and embedding.

    Args:
        model: The base model, on the CPU.
        folder: What peft wrote: `adapter_config.json` and `adapter_model.safetensors`.
        base: The base model's name, for messages.
        whole: Whether the logits of the whole model are compared as well.

    Returns:
        Number of layers that were merged.

    Raises:
        UserError: The adapters do not fit the model, some would be left out, or merging changes what a layer says.
    """
    import torch

    tied = share_weights(model)
    wrapped = _put_in(model, folder, base)
    model.eval()  # adapters drop out in training
    adapted = {name: module for name, module in model.named_modules() if _is_adapted(module)}
    with torch.no_grad():
        _split_shared(model, list(adapted.values()))
        ends = (model.get_input_embeddings(), model.get_output_embeddings())
        watched = {name for name, module in model.named_modules() if any(module is end for end in ends)} | set(adapted)
        probes = {name: _probe(model.get_submodule(name)) for name in sorted(watched)}
        before = {name: _says(model.get_submodule(name), probe) for name, probe in probes.items()}
        logits = _logits(model) if whole else None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that weights are tied: they were split above
            wrapped.merge_and_unload()
        for name, probe in probes.items():
            layer = model.get_submodule(name)
            off = float((_says(layer, probe) - before[name]).abs().max() / before[name].abs().max())
            _refuse_above(off, MODULE_TOLERANCE[_kind(next(layer.parameters()))], f"the layer {name} of {base}", folder)
        if logits is not None:
            off = _rms(_logits(model).float() - logits.float()) / _rms(logits.float())
            _refuse_above(off, MODEL_TOLERANCE[_kind(logits)], base, folder)
        head, embeddings = model.get_output_embeddings(), model.get_input_embeddings()
        if tied and torch.equal(head.weight, embeddings.weight):
            head.weight = embeddings.weight
            model.config.tie_word_embeddings = True  # peft saw two tensors, and has said so
    if not share_weights(model):
        say_untied(model.config)
    return len(adapted)


def _put_in(model: Any, folder: Path, base: str) -> Any:
    """Put adapters into a model, in place; what peft made of both."""
    from peft import PeftModel, set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        saved = load_file(folder / "adapter_model.safetensors")
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # that some are missing, or a layer is tied: see below, and `merge_adapters`
            wrapped = PeftModel.from_pretrained(model, str(folder), torch_device="cpu")
            # Once more, since only this says which tensors found no layer.
            told: Any = set_peft_model_state_dict(wrapped, saved)
    except (OSError, ValueError, RuntimeError, KeyError, TypeError, SafetensorError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"the adapters of {folder} do not fit their base model {base}: {reason[:200]}") from None
    # peft would only warn, and the adapters, or a part of them, would silently do nothing.
    unfit = f"the adapters of {folder} do not fit their base model {base}"
    if strange := sorted(told.unexpected_keys):
        raise UserError(f"{unfit}: {len(strange)} tensors belong to no layer, {strange[0]} among them")
    if empty := sorted(key for key in told.missing_keys if ".lora_" in key):
        raise UserError(f"{unfit}: the folder lacks {len(empty)} tensors that its config names, {empty[0]} among them")
    return wrapped


def _is_adapted(module: nn.Module) -> bool:
    from peft.tuners.lora import LoraLayer
    from peft.utils import AuxiliaryTrainingWrapper

    return isinstance(module, LoraLayer | AuxiliaryTrainingWrapper)


def _split_shared(model: Any, adapted: list[nn.Module]) -> None:
    """Give each layer its own copy of a tensor that it shares with another one, if an adapter sits on one of them."""
    from torch import nn

    touched = {id(parameter) for module in adapted for parameter in module.parameters()}
    seen = set()
    for module in model.modules():
        for name, parameter in list(module.named_parameters(recurse=False)):
            if id(parameter) in seen and id(parameter) in touched:
                setattr(module, name, nn.Parameter(parameter.detach().clone(), requires_grad=parameter.requires_grad))
            seen.add(id(parameter))


def _plain(module: Any) -> Any:
    """The base model's own layer in an adapted one."""
    from peft.utils import AuxiliaryTrainingWrapper

    if isinstance(module, AuxiliaryTrainingWrapper):
        return module.original_module
    return module.get_base_layer() if hasattr(module, "get_base_layer") else module


def _probe(module: Any) -> Tensor | None:
    """Random numbers for a layer, always the same: four inputs, or token ids; None for a part of several layers."""
    import torch
    from torch import nn

    plain, generator = _plain(module), torch.Generator().manual_seed(0)
    weight = getattr(plain, "weight", None)
    if weight is None:
        return None
    if isinstance(plain, nn.Embedding):
        ids = torch.randint(len(weight), (64,), generator=generator)
        trained = getattr(getattr(module, "token_adapter", None), "token_indices", {})
        return torch.cat([ids, *(torch.tensor(indices) for indices in trained.values())])
    width = weight.shape[1:] if weight.dim() > 1 else weight.shape
    return torch.randn((4, *width), generator=generator)


def _says(module: Any, probe: Tensor | None) -> Tensor:
    """A layer's output in fp32; of a part of several layers, which is replaced as a whole, all its numbers."""
    import torch

    if probe is None:
        part = module.modules_to_save[module.active_adapters[0]] if hasattr(module, "modules_to_save") else module
        return torch.cat([parameter.flatten().float() for parameter in part.parameters()])
    with _in_fp32(module):
        found: Tensor = module(probe)
    return found


@contextmanager
def _in_fp32(module: nn.Module) -> Iterator[None]:
    """A layer's numbers in fp32 for a while, which loses nothing of any narrower type."""
    kinds = [(parameter, parameter.dtype) for parameter in module.parameters()]
    for parameter, _ in kinds:
        parameter.data = parameter.data.float()
    try:
        yield
    finally:
        for parameter, kind in kinds:
            parameter.data = parameter.data.to(kind)


def _logits(model: Any) -> Tensor:
    """The logits of a sequence of random tokens with a random picture of 2 x 2 tokens, always the same."""
    import torch

    config, generator = model.config, torch.Generator().manual_seed(0)
    vision = config.vision_config
    side = 2 * vision.spatial_merge_size
    special = [config.image_token_id, config.video_token_id, config.vision_start_token_id, config.vision_end_token_id]
    plain = [i for i in range(config.get_text_config().vocab_size) if i not in special]
    ids = [plain[i] for i in torch.randint(len(plain), (24,), generator=generator).tolist()]
    ids = ids[:8] + [special[2], *[special[0]] * 4, special[3]] + ids[8:]
    patches = (side * side, 3 * vision.temporal_patch_size * vision.patch_size**2)
    tokens = torch.tensor([ids])
    answer = model(
        input_ids=tokens,
        mm_token_type_ids=(tokens == special[0]).int(),
        pixel_values=torch.randn(patches, generator=generator).to(model.dtype),
        image_grid_thw=torch.tensor([[1, side, side]]),
        use_cache=False,
    )
    found: Tensor = answer.logits
    return found


def _kind(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _rms(tensor: Tensor) -> float:
    return float(tensor.square().mean().sqrt())


def _refuse_above(off: float, most: float, what: str, folder: Path) -> None:
    if not off <= most:  # not a number is refused, too
        raise UserError(
            f"merging the adapters of {folder} would change {what}: its outputs would be off by {off:.2g} of their size, and "
            f"{most:.2g} is rounding; use the adapters with peft instead, unmerged"
        )
