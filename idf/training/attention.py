"""Attention of packed rows that computes each sample alone, and each window or picture of the vision tower.

It is registered with transformers under the name PACKED. Where rows are cut is known on the host, from the collator: no
layer reads anything back from the device.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import groupby
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from idf.errors import UserError

PACKED = "packed"
"""The name that recipes and transformers know it by."""

Way = Literal["varlen", "flash_attn", "sdpa"]
"""What computes it: torch's own kernel for sequences of unequal length, the package flash_attn, or one sdpa call a sample."""

HALF = (torch.bfloat16, torch.float16)


@dataclass(frozen=True)
class Cuts:
    """Where the rows of a micro-batch are cut. The batch carries it beside its tensors, and it stays on the host.

    Attributes:
        samples: Tokens of each sample, row after row; the padding of a row is one more.
        pictures: (time, height, width) in patches of each picture, in order.
    """

    samples: tuple[int, ...]
    pictures: tuple[tuple[int, int, int], ...]

    def to(self, *_: Any, **__: Any) -> Cuts:
        """Itself: what moves a batch to a device leaves this where it is."""
        return self

    def pin_memory(self) -> Cuts:
        """Itself."""
        return self


@dataclass(frozen=True)
class Segments:
    """Sequences that lie end to end and do not see each other.

    Attributes:
        runs: (how many, length) of sequences of equal length that follow each other.
        ends: 0, and where each sequence ends: (sequences + 1,) int32, on the device.
        longest: The longest of them.
    """

    runs: tuple[tuple[int, int], ...]
    ends: Tensor
    longest: int

    @classmethod
    def of(cls, lengths: Sequence[int], device: torch.device) -> Segments:
        """Those of so many tokens each. The copy to the device is not waited for."""
        runs = tuple((len(list(same)), length) for length, same in groupby(lengths))
        ends = torch.tensor([0, *lengths], dtype=torch.int32).cumsum(0, dtype=torch.int32)
        return cls(runs, ends.to(device, non_blocking=True), max(lengths))

    def __len__(self) -> int:
        return sum(count * length for count, length in self.runs)


def register() -> None:
    """Make PACKED known to transformers, which takes a function without a mask function for one that needs no mask.

    Raises:
        UserError: transformers is older than 5: its vision towers take no cuts.
    """
    from .versions import major

    if major() < 5:
        raise UserError("attention=packed needs transformers 5.16 or newer: write attention=sdpa")
    from transformers import AttentionInterface

    AttentionInterface.register(PACKED, packed_attention)


def is_packed(vlm: Any) -> bool:
    """Whether a model was loaded with PACKED."""
    return bool(vlm.config._attn_implementation == PACKED)


def packed_attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float,
    dropout: float = 0.0,
    segments: Segments | Mapping[nn.Module, Segments] | None = None,
    is_causal: bool | None = None,
    sliding_window: int | None = None,
    **_: Any,
) -> tuple[Tensor, None]:
    """Attention as transformers' layers call it.

    Args:
        module: The layer's attention; `is_causal` is its own unless given.
        query: (rows, heads, length, size of a head).
        key: The same with as many heads, or fewer that queries share in groups.
        value: As key.
        attention_mask: None: nothing but `segments` says what sees what.
        scaling: Of the products of queries and keys.
        dropout: 0.
        segments: The sequences of all rows, end to end; or those of each attention module, where layers differ.
        is_causal: Whether a token sees only those before it in its sequence.
        sliding_window: None.

    Returns:
        (rows, length, heads, size of a head), and None for weights.

    Raises:
        UserError: The model's config asks for dropout in attention, or for a sliding window.
        RuntimeError: There are no segments, or they are not those of the rows.
    """
    if dropout or sliding_window is not None:
        asked = "dropout in attention" if dropout else f"a sliding window of {sliding_window} tokens"
        raise UserError(
            f"the model's config asks for {asked}, which attention=packed does not do: write attention=sdpa"
        )
    found = segments[module] if isinstance(segments, Mapping) else segments
    rows, heads, length, size = query.shape
    if found is None or attention_mask is not None or len(found) != rows * length:
        raise RuntimeError(
            "attention=packed is for rows of idf's collator: a mask, or rows without cuts, is not its work"
        )
    causal = bool(module.is_causal if is_causal is None else is_causal)
    way = choose_way(query.device.type, query.dtype, size, _ampere(query.device), *kernels(query.device))
    # (tokens of all rows, heads, size of a head): with one row this copies nothing.
    query, key, value = (tensor.transpose(1, 2).flatten(0, 1) for tensor in (query, key, value))
    out = way(query, key, value, found, causal, scaling)
    return out.view(rows, length, heads, size), None


Call = Callable[[Tensor, Tensor, Tensor, Segments, bool, float], Tensor]
"""(tokens, heads, size) of queries, keys and values, where to cut, whether causal, scale -> (tokens, heads, size)."""


def choose_way(
    device: str, dtype: torch.dtype, size: int, ampere: bool, varlen: Call | None, flash: Call | None
) -> Call:
    """What computes attention here.

    Args:
        device: Kind of device, such as "cuda".
        dtype: Of the queries.
        size: Of a head.
        ampere: Whether the GPU is of compute capability 8.0 or newer, which FlashAttention needs.
        varlen: torch's kernel for sequences of unequal length, if this torch has it.
        flash: That of the package flash_attn, if it is installed.

    Returns:
        The first of varlen, flash and one sdpa call a sequence that can be used: kernels take bf16 and fp16 on GPUs, and
        heads of at most 256 numbers, a multiple of 8.
    """
    if device == "cuda" and ampere and dtype in HALF and size % 8 == 0 and size <= 256:
        return varlen or flash or each_alone
    return each_alone


def each_alone(query: Tensor, key: Tensor, value: Tensor, segments: Segments, causal: bool, scale: float) -> Tensor:
    """One sdpa call for each run of sequences of equal length."""
    sizes = [count * length for count, length in segments.runs]
    # Cut by split, whose backward pass joins the parts once; slices would each add up a whole row.
    parts = zip(segments.runs, *(tensor.split(sizes) for tensor in (query, key, value)), strict=True)
    outs = []
    for (count, length), *cut in parts:
        q, k, v = (part.unflatten(0, (count, length)).transpose(1, 2) for part in cut)
        grouped = q.shape[1] != k.shape[1]
        out = scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale, enable_gqa=grouped)
        outs.append(out.transpose(1, 2).flatten(0, 1))
    return torch.cat(outs)


def kernels(device: torch.device) -> tuple[Call | None, Call | None]:
    """Torch's kernel and flash_attn's, for `choose_way`; where the first is, and off GPUs, flash_attn is not even imported."""
    if device.type != "cuda":
        return None, None
    varlen = varlen_call()
    return varlen, None if varlen else flash_call()


@cache
def varlen_call() -> Call | None:
    """Torch's kernel for sequences of unequal length; None where this torch has none, or one that takes no scale."""
    try:
        from torch.nn.attention.varlen import varlen_attn
    except ImportError:
        return None
    return as_varlen_call(varlen_attn)


def as_varlen_call(varlen_attn: Callable[..., Any]) -> Call | None:
    """`torch.nn.attention.varlen.varlen_attn` as a Call.

    Its first release (torch 2.10) has another word for causal and takes no scale, so it is left alone. Later ones ask to be
    told that queries share keys (`enable_gqa`); the one between, which does not know the word, gets keys for each.
    """
    words = inspect.signature(varlen_attn).parameters
    if not {"scale", "window_size"} <= words.keys():
        return None

    def call(query: Tensor, key: Tensor, value: Tensor, segments: Segments, causal: bool, scale: float) -> Tensor:
        more: dict[str, Any] = {}
        groups = query.shape[1] // key.shape[1]
        if groups > 1 and "enable_gqa" in words:
            more["enable_gqa"] = True
        elif groups > 1:
            key, value = (tensor.repeat_interleave(groups, dim=1) for tensor in (key, value))
        ends, longest, window = segments.ends, segments.longest, (-1, 0) if causal else (-1, -1)
        out: Tensor = varlen_attn(
            query, key, value, ends, ends, longest, longest, scale=scale, window_size=window, **more
        )
        return out

    return call


@cache
def flash_call() -> Call | None:
    """The kernel of the package flash_attn for sequences of unequal length; None where it is not installed."""
    if find_spec("flash_attn") is None:
        return None
    from flash_attn import flash_attn_varlen_func

    return as_flash_call(flash_attn_varlen_func)


def as_flash_call(flash_attn_varlen_func: Callable[..., Any]) -> Call:
    """`flash_attn.flash_attn_varlen_func` as a Call; queries may share keys."""

    def call(query: Tensor, key: Tensor, value: Tensor, segments: Segments, causal: bool, scale: float) -> Tensor:
        ends, longest = segments.ends, segments.longest
        out: Tensor = flash_attn_varlen_func(
            query, key, value, ends, ends, longest, longest, softmax_scale=scale, causal=causal
        )
        return out

    return call


@cache
def _ampere(device: torch.device) -> bool:
    return device.type == "cuda" and torch.cuda.get_device_capability(device)[0] >= 8
