"""Rollouts by idf's own loop of tokens: a response that has ended leaves its batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch import Tensor

from idf.backends.decoding import decode


def fast_generation(vlm: Any) -> None:
    """Let `vlm.generate` draw by `idf.backends.decoding.decode`; what it draws from is the same distribution.

    transformers' loop computes every response of a batch until the longest one has ended.

    Args:
        vlm: The model; it is changed.
    """
    plain = vlm.generate

    def generate(self: Any, **inputs: Any) -> Tensor:
        said: list[list[int]] = plain(**inputs, custom_generate=partial(decode, choose=_draw))
        prompts = inputs["input_ids"]
        pad = inputs["generation_config"].pad_token_id
        longest = max(map(len, said))
        rows = [[*ids, *[pad] * (longest - len(ids))] for ids in said]
        return torch.cat([prompts, torch.tensor(rows, dtype=prompts.dtype, device=prompts.device)], 1)

    vlm.generate = MethodType(generate, vlm)


def _draw(scores: Tensor, prompts: Sequence[int]) -> Tensor:
    """Next tokens (rows,), drawn from the softmax of the scores (rows, vocabulary); temperature and top_p are in them."""
    return torch.multinomial(scores.softmax(-1), 1).squeeze(1)
